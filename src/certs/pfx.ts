import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { BrokerError, errorText, type Secret } from '../lib/index.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { orderChain } from './chain.ts'
import {
  type Asn1,
  bmpString,
  decodeDer,
  encodeDer,
  explicit,
  integer,
  octetBytes,
  octets,
  oid,
  oidText,
  part,
  parts,
  sequence,
  set,
} from './der.ts'
import { belongsTogether, checkPair, type KeyPair } from './key-pair.ts'
import {
  createMac,
  decrypt,
  encryptPrivateKey,
  type PfxEncryption,
  verifyMac,
} from './pfx-crypto.ts'

// PFX is Microsoft's word for the files of PKCS#12 (RFC 7292). Written by hand over ASN.1, since
// node-forge's own reader and writer know no EC keys.

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  microsoftProvider: '1.3.6.1.4.1.311.17.1',
} as const

const MAX_BYTES = 256 * 1024
const MAX_BAGS = 40

/** The provider that the key of a VMM token issuer has to be in: others sign no SHA-256 tokens. */
export const RSA_AND_AES_PROVIDER = 'Microsoft Enhanced RSA and AES Cryptographic Provider'

export interface PfxOptions {
  /** Certificates after the first go along when `chain` is true. */
  pair: KeyPair
  password: Secret
  chain: boolean
  /** Default `aes-256`. */
  encryption?: PfxEncryption
  /** Cryptographic provider that Windows shall import the key into; its own choice when absent. */
  provider?: string
}

/**
 * A PFX file with certificate and key. Certificates are not encrypted, since they are public; the
 * key is, and everything is covered by the integrity check.
 *
 * @throws BrokerError `ERR_CERTIFICATE` for a pair that does not belong together, or an empty password
 */
export async function encodePfx(options: PfxOptions): Promise<Uint8Array> {
  const { password, encryption = 'aes-256', provider } = options
  if (password.length === 0) throw unusable('password: empty, need one')
  const { certificate, privateKey } = checkPair(options.pair)
  const certificates = options.chain ? allCertificates(options.pair.certificatePem) : [certificate]
  const identity = [
    attribute(OID.localKeyId, octets(createHash('sha1').update(certificate.der).digest())),
    attribute(OID.friendlyName, bmpString(commonName(certificate))),
  ]
  const certificateBags = certificates.map((one, index) => {
    const bag = sequence(oid(OID.x509Certificate), explicit(0, octets(one.der)))
    return safeBag(OID.certificateBag, bag, index === 0 ? identity : [])
  })
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const keyBag = safeBag(
    OID.shroudedKeyBag,
    await encryptPrivateKey(pkcs8, password, encryption),
    provider === undefined
      ? identity
      : [...identity, attribute(OID.microsoftProvider, bmpString(provider))],
  )
  const safe = encodeDer(
    sequence(
      dataContent(encodeDer(sequence(...certificateBags))),
      dataContent(encodeDer(sequence(keyBag))),
    ),
  )
  const mac = createMac(safe, password, encryption)
  return encodeDer(sequence(integer(3), dataContent(safe), mac))
}

/**
 * The key of a PFX file and its certificate, followed by the intermediate certificates of its chain that the
 * file holds.
 *
 * @param name what to call the file in errors
 * @throws BrokerError `ERR_CERTIFICATE`: not a PFX, cut off, wrong password, no key, several keys, no certificate of the key
 */
export async function decodePfx(
  bytes: Uint8Array,
  password: Secret,
  name = 'PFX',
): Promise<KeyPair> {
  if (bytes.length > MAX_BYTES) {
    throw unusable(`${name}: need at most ${MAX_BYTES} bytes, have ${bytes.length}`)
  }
  const contents: Contents = { certificates: [], keys: [] }
  try {
    assertWhole(bytes)
    const authenticated = openIntegrity(decodeDer(bytes), password)
    for (const content of parts(decodeDer(authenticated))) {
      const bags = parts(decodeDer(await openContent(content, password)))
      for (const bag of bags) await openBag(bag, password, contents)
    }
  } catch (error) {
    throw unusable(`${name}: ${errorText(error)}`, error)
  }
  return pairOf(contents, name)
}

interface Contents {
  certificates: Certificate[]
  keys: KeyObject[]
}

/** Names a half-written file before the parser stumbles over its end. */
function assertWhole(bytes: Uint8Array): void {
  const [tag, first = 0] = bytes
  if (tag !== 0x30) throw new Error('is no PFX file')
  if (first <= 0x80) return
  const lengthBytes = first & 0x7f
  const need = Buffer.from(bytes.subarray(2, 2 + lengthBytes)).reduce(
    (sum, byte) => sum * 256 + byte,
    0,
  )
  if (bytes.length < 2 + lengthBytes + need) {
    throw new Error(`cut off: need ${2 + lengthBytes + need} bytes, have ${bytes.length}`)
  }
}

function openIntegrity(pfx: Asn1, password: Secret): Uint8Array {
  const [version, content, macData] = parts(pfx)
  if (version === undefined || content === undefined || octetBytes(version)[0] !== 3) {
    throw new Error('is no PFX file')
  }
  if (oidText(part(content, 0)) !== OID.data || macData === undefined) {
    throw new Error('has no integrity check by password; make it anew with one')
  }
  const authenticated = octetBytes(part(part(content, 1), 0))
  if (!verifyMac(macData, authenticated, password)) {
    throw new Error('wrong password, or the file was damaged')
  }
  return authenticated
}

/** ContentInfo (RFC 7292 section 4.1): plain, or encrypted with the password. */
async function openContent(content: Asn1, password: Secret): Promise<Uint8Array> {
  const inner = part(part(content, 1), 0)
  switch (oidText(part(content, 0))) {
    case OID.data:
      return octetBytes(inner)
    case OID.encryptedData: {
      const [, algorithm, ciphertext] = parts(part(inner, 1))
      if (algorithm === undefined || ciphertext === undefined) throw new Error('has an empty part')
      return decrypt(algorithm, octetBytes(ciphertext), password)
    }
    default:
      throw new Error('holds a part that is not encrypted by password')
  }
}

async function openBag(bag: Asn1, password: Secret, contents: Contents): Promise<void> {
  const value = part(part(bag, 1), 0)
  if (contents.certificates.length + contents.keys.length >= MAX_BAGS) {
    throw new Error(`holds more than ${MAX_BAGS} certificates and keys`)
  }
  switch (oidText(part(bag, 0))) {
    case OID.certificateBag:
      contents.certificates.push(readCertificate(octetBytes(part(part(value, 1), 0))))
      break
    case OID.keyBag:
      contents.keys.push(readPkcs8(encodeDer(value)))
      break
    case OID.shroudedKeyBag:
      contents.keys.push(
        readPkcs8(await decrypt(part(value, 0), octetBytes(part(value, 1)), password)),
      )
      break
    default:
    // Revocation lists and other people's secrets are not for us.
  }
}

function readPkcs8(der: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
}

function pairOf({ certificates, keys }: Contents, name: string): KeyPair {
  const [key, second] = keys
  if (key === undefined) {
    throw unusable(
      `${name}: holds ${certificates.length} certificates and no private key; export it again with its key`,
    )
  }
  if (second !== undefined) throw unusable(`${name}: holds ${keys.length} private keys, need one`)
  const leaf = certificates.find(({ publicKey }) => belongsTogether(publicKey, key))
  if (leaf === undefined) {
    throw unusable(`${name}: none of its ${certificates.length} certificates belongs to its key`)
  }
  return {
    certificatePem: orderChain(leaf, certificates)
      .map(({ pem }) => pem)
      .join(''),
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function allCertificates(pem: string): Certificate[] {
  return pem
    .split(/(?=-----BEGIN CERTIFICATE-----)/)
    .filter((block) => block.includes('-----BEGIN CERTIFICATE-----'))
    .map((block) => readCertificate(block))
}

function commonName({ subject }: Certificate): string {
  return /(?:^|, )CN=([^,]+)/.exec(subject)?.[1] ?? subject
}

function dataContent(bytes: Uint8Array): Asn1 {
  return sequence(oid(OID.data), explicit(0, octets(bytes)))
}

function safeBag(type: string, value: Asn1, attributes: Asn1[]): Asn1 {
  const optional = attributes.length > 0 ? [set(...attributes)] : []
  return sequence(oid(type), explicit(0, value), ...optional)
}

function attribute(type: string, value: Asn1): Asn1 {
  return sequence(oid(type), set(value))
}

function unusable(message: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', message, { cause })
}
