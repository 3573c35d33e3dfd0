// Everything works without this file: it only says, after a press on Console, that the download has
// begun and until when the file can be opened. A refusal leaves for a page of its own.
const form = document.querySelector('form[data-lifetime-seconds]')
const status = document.querySelector('[data-status]')
let expiry

form?.addEventListener('submit', ({ submitter }) => {
  const name = submitter?.dataset.name ?? 'the machine'
  const { lifetime, lifetimeSeconds } = form.dataset
  status.textContent = `The file for ${name} is on its way. Open it within ${lifetime}.`
  clearTimeout(expiry)
  expiry = setTimeout(() => {
    status.textContent = `If you have not opened the file for ${name}, it is now too old: press Console again.`
  }, Number(lifetimeSeconds) * 1000)
})
