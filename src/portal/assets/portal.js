// Everything works without this file: it only says, after a press on Console, that the download has
// begun and until when the file can be opened. A refusal leaves for a page of its own.
const form = document.querySelector('form[data-consoles]')
const status = document.querySelector('[data-status]')
let expiry

form?.addEventListener('submit', ({ submitter }) => {
  if (!submitter) return
  const { name, lifetime, lifetimeSeconds } = submitter.dataset
  status.textContent = `The file for ${name} is on its way. Open it within ${lifetime}.`
  clearTimeout(expiry)
  expiry = setTimeout(() => {
    status.textContent = `If you have not opened the file for ${name}, it is now too old: press Console again.`
  }, Number(lifetimeSeconds) * 1000)
})
