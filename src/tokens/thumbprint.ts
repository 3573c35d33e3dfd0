import { BrokerError } from '../lib/index.ts'

export interface ParsedThumbprint {
  /** 40 (SHA-1) or 64 (SHA-256) upper-case hex digits. */
  thumbprint: string
  /** What was taken out, for the operator to know: `U+200E at 0`, `":" 19 times`. */
  oddities: string[]
}

/**
 * A thumbprint as operators paste it: with colons, dashes, spaces, or the invisible character that
 * Windows' certificate dialog puts in front. Those are taken out and reported; anything else that is no
 * hex digit is an error, since it is more likely a slip than a separator.
 *
 * @throws BrokerError `ERR_CERTIFICATE`
 */
export function parseThumbprint(text: string): ParsedThumbprint {
  const removed = new Map<string, number>()
  let digits = ''
  for (const character of text) {
    if (/[0-9a-fA-F]/.test(character)) {
      digits += character
    } else if (/[:\-\s\p{C}\p{Z}]/u.test(character)) {
      removed.set(character, (removed.get(character) ?? 0) + 1)
    } else {
      throw unusable(`${describe(character)} is no hex digit`)
    }
  }
  if (digits.length !== 40 && digits.length !== 64) {
    throw unusable(`need 40 or 64 hex digits, have ${digits.length}`)
  }
  return {
    thumbprint: digits.toUpperCase(),
    oddities: [...removed].map(
      ([character, count]) => `${describe(character)}, ${count === 1 ? 'once' : `${count} times`}`,
    ),
  }
}

function describe(character: string): string {
  const codePoint = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /[\p{C}\p{Z}]/u.test(character) ? `U+${codePoint}` : `"${character}"`
}

function unusable(message: string): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `thumbprint: ${message}`)
}
