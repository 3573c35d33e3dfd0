import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash as digest,
  pbkdf2,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import type { Secret } from '../lib/index.ts'
import {
  type Asn1,
  integer,
  integerValue,
  nothing,
  octetBytes,
  octets,
  oid,
  oidText,
  part,
  parts,
  sequence,
} from './der.ts'

/**
 * How a new file is encrypted: `aes-256` (PBES2) for everything of today, `3des` for Windows before
 * Server 2019, which calls a file with AES "wrong password".
 */
export const PFX_ENCRYPTIONS = ['aes-256', '3des'] as const
export type PfxEncryption = (typeof PFX_ENCRYPTIONS)[number]

/** As many as OWASP's advice of years past, and half a second of work; Windows reads up to 600,000. */
const ITERATIONS = 100_000
/** More would be an attempt to keep us busy: about ten seconds. */
const MAX_ITERATIONS = 5_000_000
const SALT_BYTES = 16

const HMAC_HASHES: Record<string, string> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}
const HASHES: Record<string, string> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const AES: Record<string, { cipher: string; keyBytes: number }> = {
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { cipher: 'aes-256-cbc', keyBytes: 32 },
}
const OID = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  pbeSha1TripleDes: '1.2.840.113549.1.12.1.3',
  pbeSha1Rc2Of40Bits: '1.2.840.113549.1.12.1.6',
} as const
/** `id` of the key derivation (RFC 7292 appendix B.3). */
const Purpose = { key: 1, iv: 2, mac: 3 } as const

/** EncryptedPrivateKeyInfo (RFC 5208 section 6). */
export async function encryptPrivateKey(
  pkcs8: Uint8Array,
  password: Secret,
  encryption: PfxEncryption,
): Promise<Asn1> {
  const salt = randomBytes(SALT_BYTES)
  if (encryption === '3des') {
    const key = deriveKey('sha1', password, salt, ITERATIONS, Purpose.key, 24)
    const iv = deriveKey('sha1', password, salt, ITERATIONS, Purpose.iv, 8)
    const cipher = createCipheriv('des-ede3-cbc', key, iv)
    return sequence(
      sequence(oid(OID.pbeSha1TripleDes), sequence(octets(salt), integer(ITERATIONS))),
      octets(Buffer.concat([cipher.update(pkcs8), cipher.final()])),
    )
  }
  const iv = randomBytes(16)
  const key = await promisify(pbkdf2)(password.reveal(), salt, ITERATIONS, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const derivation = sequence(
    octets(salt),
    integer(ITERATIONS),
    sequence(oid(OID.hmacSha256), nothing()),
  )
  return sequence(
    sequence(
      oid(OID.pbes2),
      sequence(sequence(oid(OID.pbkdf2), derivation), sequence(oid(OID.aes256Cbc), octets(iv))),
    ),
    octets(Buffer.concat([cipher.update(pkcs8), cipher.final()])),
  )
}

/** What `algorithm` (AlgorithmIdentifier) has encrypted. @throws Error for an algorithm that is not known here */
export async function decrypt(
  algorithm: Asn1,
  ciphertext: Uint8Array,
  password: Secret,
): Promise<Uint8Array> {
  const name = oidText(part(algorithm, 0))
  const parameters = part(algorithm, 1)
  if (name === OID.pbes2) return decryptPbes2(parameters, ciphertext, password)
  const salt = octetBytes(part(parameters, 0))
  const iterations = iterationCount(part(parameters, 1))
  const derive = (purpose: number, length: number): Buffer =>
    deriveKey('sha1', password, salt, iterations, purpose, length)
  switch (name) {
    case OID.pbeSha1TripleDes:
      return decipher('des-ede3-cbc', derive(Purpose.key, 24), derive(Purpose.iv, 8), ciphertext)
    case OID.pbeSha1Rc2Of40Bits:
      return decipherRc2(derive(Purpose.key, 5), derive(Purpose.iv, 8), ciphertext)
    default:
      throw new Error(`encrypted with an algorithm that is not known here (${name})`)
  }
}

/** PBES2 with PBKDF2 and AES in CBC mode (RFC 8018 appendix A.4). */
async function decryptPbes2(
  parameters: Asn1,
  ciphertext: Uint8Array,
  password: Secret,
): Promise<Uint8Array> {
  const [derivation, scheme] = [part(parameters, 0), part(parameters, 1)]
  const schemeName = oidText(part(scheme, 0))
  const aes = AES[schemeName]
  if (oidText(part(derivation, 0)) !== OID.pbkdf2 || aes === undefined) {
    throw new Error(`encrypted with an algorithm that is not known here (${schemeName})`)
  }
  const [salt, iterations, ...optional] = parts(part(derivation, 1))
  // Salt and count, then an optional key length (INTEGER) and an optional function (SEQUENCE).
  const prf = optional.find((item) => Array.isArray(item.value))
  const hash = prf === undefined ? 'sha1' : HMAC_HASHES[oidText(part(prf, 0))]
  if (salt === undefined || iterations === undefined || hash === undefined) {
    throw new Error('key derivation that is not known here')
  }
  const count = iterationCount(iterations)
  const key = await promisify(pbkdf2)(
    password.reveal(),
    octetBytes(salt),
    count,
    aes.keyBytes,
    hash,
  )
  return decipher(aes.cipher, key, octetBytes(part(scheme, 1)), ciphertext)
}

/** MacData (RFC 7292 section 4) over the authenticated safe. */
export function createMac(content: Uint8Array, password: Secret, encryption: PfxEncryption): Asn1 {
  const [hash, name, length] =
    encryption === '3des'
      ? (['sha1', OID.sha1, 20] as const)
      : (['sha256', OID.sha256, 32] as const)
  const salt = randomBytes(SALT_BYTES)
  const key = deriveKey(hash, password, salt, ITERATIONS, Purpose.mac, length)
  const mac = createHmac(hash, key).update(content).digest()
  return sequence(
    sequence(sequence(oid(name), nothing()), octets(mac)),
    octets(salt),
    integer(ITERATIONS),
  )
}

/** Whether the password is right and the content is whole. @throws Error for a digest that is not known here */
export function verifyMac(macData: Asn1, content: Uint8Array, password: Secret): boolean {
  const [digestInfo, salt, iterations] = parts(macData)
  const name = oidText(part(part(digestInfo, 0), 0))
  const hash = HASHES[name]
  if (hash === undefined || salt === undefined) {
    throw new Error(`integrity check with an algorithm that is not known here (${name})`)
  }
  const expected = octetBytes(part(digestInfo, 1))
  const count = iterations === undefined ? 1 : iterationCount(iterations)
  const key = deriveKey(hash, password, octetBytes(salt), count, Purpose.mac, expected.length)
  const mac = createHmac(hash, key).update(content).digest()
  return mac.length === expected.length && timingSafeEqual(mac, expected)
}

/** Key derivation of PKCS#12 (RFC 7292 appendix B.2); the password as UTF-16 with a terminating zero. */
function deriveKey(
  hash: string,
  password: Secret,
  salt: Uint8Array,
  iterations: number,
  purpose: number,
  length: number,
): Buffer {
  const blockBytes = hash === 'sha384' || hash === 'sha512' ? 128 : 64
  const passwordBytes = Buffer.from(`${password.reveal()}\0`, 'utf16le').swap16()
  const diversifier = Buffer.alloc(blockBytes, purpose)
  let input: Buffer = Buffer.concat([fill(salt, blockBytes), fill(passwordBytes, blockBytes)])
  let derived: Buffer = Buffer.alloc(0)
  while (derived.length < length) {
    let block = digest(hash, Buffer.concat([diversifier, input]), 'buffer')
    for (let round = 1; round < iterations; round++) block = digest(hash, block, 'buffer')
    derived = Buffer.concat([derived, block])
    input = addToBlocks(input, fill(block, blockBytes).subarray(0, blockBytes), blockBytes)
  }
  return derived.subarray(0, length)
}

/** The bytes over and over, up to a whole number of blocks. */
function fill(bytes: Uint8Array, blockBytes: number): Buffer {
  const length = Math.ceil(bytes.length / blockBytes) * blockBytes
  return length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, bytes)
}

/** Each block plus `addend` plus one, as big-endian numbers without carry out of the block. */
function addToBlocks(blocks: Buffer, addend: Buffer, blockBytes: number): Buffer {
  const sums = Buffer.from(blocks)
  for (let start = 0; start < sums.length; start += blockBytes) {
    let carry = 1
    for (let offset = blockBytes - 1; offset >= 0; offset--) {
      carry += (sums[start + offset] ?? 0) + (addend[offset] ?? 0)
      sums[start + offset] = carry & 0xff
      carry >>= 8
    }
  }
  return sums
}

function decipher(name: string, key: Buffer, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const cipher = createDecipheriv(name, key, iv)
  return Buffer.concat([cipher.update(ciphertext), cipher.final()])
}

/** What Windows before Server 2019 hides certificates with; OpenSSL 3 does not have it any more. */
function decipherRc2(key: Buffer, iv: Buffer, ciphertext: Uint8Array): Uint8Array {
  const cipher = forge.rc2.createDecryptionCipher(key.toString('latin1'), 40)
  cipher.start(iv.toString('latin1'))
  cipher.update(forge.util.createBuffer(Buffer.from(ciphertext).toString('latin1')))
  if (!cipher.finish()) throw new Error('wrong padding')
  return Buffer.from(cipher.output.getBytes(), 'latin1')
}

function iterationCount(node: Asn1): number {
  const count = integerValue(node)
  if (count < 1 || count > MAX_ITERATIONS) {
    throw new Error(`iterations: need 1 to ${MAX_ITERATIONS}, have ${count}`)
  }
  return count
}
