/** Longest consent text, in UTF-16 code units: that is how the wire and the clients count. */
export const MAX_CONSENT_CHARACTERS = 1024

/** Any text of people's languages, line feeds included; no other control characters, no half of a pair. */
const CONSENT_TEXT = /^(?:\n|[^\p{Cc}\p{Cs}])+$/u

/** Whether a client can show this text for its user to agree to; not the empty one, which asks for nothing. */
export function isConsentText(text: string): boolean {
  return text.length <= MAX_CONSENT_CHARACTERS && CONSENT_TEXT.test(text)
}
