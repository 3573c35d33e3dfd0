import { BrokerError, errorText } from '../lib/index.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import {
  type Asn1,
  decodeDer,
  encodeDer,
  explicit,
  integer,
  nothing,
  octetBytes,
  octets,
  oid,
  oidText,
  part,
  parts,
  sequence,
  set,
} from './der.ts'

/** A chain of RSA-4096 certificates needs about 8 KiB. */
const MAX_BYTES = 64 * 1024
const MAX_CERTIFICATES = 20

const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const
const DIGESTS: Record<string, SignedData['digest']> = {
  [OID.sha256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
/** rsaEncryption, and the same with each digest: all mean PKCS#1 v1.5 (RFC 8017 section 8.2). */
const RSA_ALGORITHMS: string[] = [
  OID.rsaEncryption,
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
]

/**
 * CMS SignedData (RFC 5652 section 5) as `.rdp` files carry it: detached, one signer named by issuer and serial number,
 * RSA PKCS#1 v1.5 straight over the content, since there are no signed attributes.
 */
export interface SignedData {
  digest: 'sha256' | 'sha384' | 'sha512'
  /** Among `certificates`. */
  signer: Certificate
  /** As they came: leaf and intermediates. */
  certificates: Certificate[]
  signature: Uint8Array
}

/**
 * Everything of a SignedData but the signature, which stands at its very end: made once for a key, so that each signature
 * costs a copy (1 µs) and not an encoding (27 µs).
 *
 * @param certificates leaf first
 * @param signatureBytes size of the leaf's RSA modulus
 * @returns gives the DER with a signature by SHA-256 in place
 */
export function prepareSignedData(
  certificates: [Certificate, ...Certificate[]],
  signatureBytes: number,
): (signature: Uint8Array) => Uint8Array {
  const blank = encodeSignedData(certificates, new Uint8Array(signatureBytes))
  const head = blank.subarray(0, blank.length - signatureBytes)
  return (signature) => {
    if (signature.length !== signatureBytes) {
      throw unusable(`need ${signatureBytes} bytes, have ${signature.length}`)
    }
    return Buffer.concat([head, signature])
  }
}

function encodeSignedData(
  certificates: [Certificate, ...Certificate[]],
  signature: Uint8Array,
): Uint8Array {
  const sha256 = (): Asn1 => sequence(oid(OID.sha256), nothing())
  const signerInfo = sequence(
    integer(1),
    issuerAndSerialNumber(certificates[0]),
    sha256(),
    sequence(oid(OID.rsaEncryption), nothing()),
    octets(signature),
  )
  const signedData = sequence(
    integer(1),
    set(sha256()),
    sequence(oid(OID.data)),
    explicit(0, ...certificates.map(({ der }) => decodeDer(der))),
    set(signerInfo),
  )
  return encodeDer(sequence(oid(OID.signedData), explicit(0, signedData)))
}

/**
 * @param der of unknown origin
 * @throws BrokerError `ERR_CERTIFICATE` for anything that is not a {@link SignedData} in DER, under 64 KiB
 */
export function decodeSignedData(der: Uint8Array): SignedData {
  if (der.length > MAX_BYTES) throw unusable(`${der.length} bytes, may have ${MAX_BYTES}`)
  try {
    return readContentInfo(decodeCanonical(der))
  } catch (error) {
    throw unusable(errorText(error), error)
  }
}

/** What reads the same in two spellings could be read differently by two readers. */
function decodeCanonical(der: Uint8Array): Asn1 {
  const node = decodeDer(der)
  if (!Buffer.from(encodeDer(node)).equals(der)) throw new Error('not in DER')
  return node
}

function readContentInfo(contentInfo: Asn1): SignedData {
  const contentType = oidText(part(contentInfo, 0))
  if (contentType !== OID.signedData) throw new Error(`content type ${contentType}`)
  const fields = parts(part(part(contentInfo, 1), 0))
  const [, , content, certificateSet] = fields
  if (oidText(part(content, 0)) !== OID.data) throw new Error('signs no plain data')
  if (parts(content).length !== 1) throw new Error('the content is inside, need it detached')
  if (parts(certificateSet).length > MAX_CERTIFICATES) throw new Error('too many certificates')
  const [signerInfo, second] = parts(fields.at(-1))
  if (second !== undefined) throw new Error('several signers')
  return readSignerInfo(
    signerInfo,
    parts(certificateSet).map((node) => readCertificate(encodeDer(node))),
  )
}

function readSignerInfo(signerInfo: Asn1 | undefined, certificates: Certificate[]): SignedData {
  const fields = parts(signerInfo)
  if (fields.length !== 5) throw new Error('the signer has attributes, need none')
  const named = encodeDer(part(signerInfo, 1))
  const signer = certificates.find((certificate) =>
    Buffer.from(encodeDer(issuerAndSerialNumber(certificate))).equals(named),
  )
  if (signer === undefined) throw new Error("the signer's certificate is missing")
  const digestOid = oidText(part(part(signerInfo, 2), 0))
  const digest = DIGESTS[digestOid]
  if (digest === undefined) throw new Error(`digest ${digestOid} is not accepted`)
  const algorithm = oidText(part(part(signerInfo, 3), 0))
  if (!RSA_ALGORITHMS.includes(algorithm)) throw new Error(`algorithm ${algorithm} is not accepted`)
  return { digest, signer, certificates, signature: octetBytes(part(signerInfo, 4)) }
}

/** IssuerAndSerialNumber (RFC 5652 section 10.2.4), its parts as the certificate itself spells them (RFC 5280 section 4.1). */
function issuerAndSerialNumber({ der }: Certificate): Asn1 {
  const tbsCertificate = part(decodeDer(der), 0)
  // Version 1 certificates leave out the version, which has a tag of its own.
  const serialAt = part(tbsCertificate, 0).constructed ? 1 : 0
  return sequence(part(tbsCertificate, serialAt + 2), part(tbsCertificate, serialAt))
}

function unusable(message: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `signature: ${message}`, { cause })
}
