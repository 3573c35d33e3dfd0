import { randomInt } from 'node:crypto'

/** Crockford's base 32: no I, L, O, U, so that a reference survives being read over the phone. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new support reference: 8 characters (40 bits) written `7K3M-Q2XD`. */
export function createReference(): string {
  const characters = Array.from({ length: 8 }, () => ALPHABET[randomInt(ALPHABET.length)])
  return `${characters.slice(0, 4).join('')}-${characters.slice(4).join('')}`
}

/**
 * A reference as a person types it (any case, with or without the dash, O for 0, I or L for 1) in
 * its one written form.
 *
 * @returns undefined when it is no reference
 */
export function parseReference(text: string): string | undefined {
  const characters = text
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  if (!/^[0-9A-HJKMNP-TV-Z]{8}$/.test(characters)) return undefined
  return `${characters.slice(0, 4)}-${characters.slice(4)}`
}
