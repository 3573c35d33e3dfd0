/** Longest consent text and longest message, in UTF-16 code units: that is how the wire and the clients count. */
export const MAX_USER_TEXT_CHARACTERS = 1024

/** Any text of people's languages, line feeds included; no other control characters, no half of a pair. */
const USER_TEXT = /^(?:\n|[^\p{Cc}\p{Cs}])+$/u

/** Whether a client can show this text to its user, to read or to agree to; not the empty one, which says nothing. */
export function isUserText(text: string): boolean {
  return text.length <= MAX_USER_TEXT_CHARACTERS && USER_TEXT.test(text)
}
