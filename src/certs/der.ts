import forge from 'node-forge'

/**
 * ASN.1 (X.690) as PKCS#12 needs it: a few constructors and readers over node-forge, which keeps
 * bytes in binary strings; here they go in and come out as bytes.
 */
export type Asn1 = forge.asn1.Asn1

const { asn1 } = forge
const { Class, Type } = asn1

/** Reads one value, BER or DER, nesting at most 256 deep. @throws Error for anything else, or for bytes behind it */
export function decodeDer(bytes: Uint8Array): Asn1 {
  return asn1.fromDer(toBinary(bytes), false)
}

export function encodeDer(node: Asn1): Uint8Array {
  return fromBinary(asn1.toDer(node).getBytes())
}

export function sequence(...items: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items)
}

export function set(...items: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, items)
}

export function oid(text: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(text).getBytes())
}

export function octets(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, toBinary(bytes))
}

/** A number from 0 to 2^31 - 1. */
export function integer(value: number): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, asn1.integerToDer(value).getBytes())
}

export function nothing(): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.NULL, false, '')
}

/** Text in UTF-16, as PKCS#12 attributes have it; node-forge writes the code units itself. */
export function bmpString(text: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BMPSTRING, false, text)
}

/** `[tag] EXPLICIT` with one item; with any number, `[tag] IMPLICIT` of a set or sequence. */
export function explicit(tag: number, ...items: Asn1[]): Asn1 {
  // The type is a number of the universal class there, and of the context here.
  return asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, items)
}

/** The parts of a constructed value. @throws Error when it has none */
export function parts(node: Asn1 | undefined): Asn1[] {
  if (node === undefined || typeof node.value === 'string') throw new Error('need a sequence')
  return node.value
}

/** The n-th part. @throws Error when there is none */
export function part(node: Asn1 | undefined, index: number): Asn1 {
  const found = parts(node)[index]
  if (found === undefined) throw new Error(`need at least ${index + 1} parts`)
  return found
}

export function oidText(node: Asn1): string {
  if (node.type !== Type.OID || typeof node.value !== 'string') {
    throw new Error('need an object identifier')
  }
  return asn1.derToOid(node.value)
}

/** Content of an octet string, also of one that BER has cut into chunks, or that has an implicit tag. */
export function octetBytes(node: Asn1): Uint8Array {
  if (typeof node.value === 'string') return fromBinary(node.value)
  return Buffer.concat(node.value.map(octetBytes))
}

/** @throws Error for a negative number, or one over 2^31 - 1 */
export function integerValue(node: Asn1): number {
  const bytes = octetBytes(node)
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  const isNegative = (bytes[0] ?? 0x80) >= 0x80
  if (node.type !== Type.INTEGER || isNegative || value > 0x7fffffff) {
    throw new Error('need a number from 0 to 2147483647')
  }
  return value
}

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function fromBinary(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
