import { Refusal } from './errors.ts'

/** For the log: a peer's text is not worth more than a line. */
const MAX_SHOWN = 200

/**
 * Refuses what another site's page made the browser send. Two witnesses that scripts cannot forge:
 * `Origin` must be ours, and `Sec-Fetch-Site` must be `same-origin`. A browser old enough to leave
 * one out is judged by the other; a request with neither is none of a page of ours. The scheme is
 * always https, because the session cookie exists nowhere else.
 *
 * @param header the request's field of that name; empty when it has none
 * @throws Refusal `origin-refused`
 */
export function assertOwnOrigin(header: (name: string) => string): void {
  const origin = header('origin')
  const site = header('sec-fetch-site')
  if (site !== '' && site !== 'same-origin') {
    throw new Refusal('origin-refused', `sec-fetch-site: need same-origin, have ${shorten(site)}`)
  }
  const own = `https://${header('host').toLowerCase()}`
  if (origin !== '' && origin !== own) {
    throw new Refusal('origin-refused', `origin: need ${shorten(own)}, have ${shorten(origin)}`)
  }
  if (origin === '' && site === '') {
    throw new Refusal('origin-refused', 'origin: need one, have neither origin nor sec-fetch-site')
  }
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
