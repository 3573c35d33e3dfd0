import { constants, verify } from 'node:crypto'
import { type Certificate, decodeSignedData, lintChain, type SignedData } from '../certs/index.ts'
import { errorText } from '../lib/index.ts'
import { parseRdpFile, type RdpFile } from './parse.ts'
import { SIGNABLE_SETTINGS, SIGNATURE, SIGNSCOPE, signedMessage } from './scope.ts'
import { decodeSignature } from './signature.ts'

export type RdpVerdict =
  | 'valid'
  /** The file is not signed. */
  | 'signature-missing'
  /** What stands there is no signature of an `.rdp` file. */
  | 'signature-broken'
  /** The settings are not those that were signed, or more than those. */
  | 'signature-altered'
  /** The signature is right, its certificate is not valid now. */
  | 'publisher-outside-window'
  /** The signature is right, no authority that is trusted stands behind its certificate. */
  | 'publisher-untrusted'

export interface RdpVerification {
  verdict: RdpVerdict
  /** One sentence that names the setting or certificate; absent with `valid`. */
  detail?: string
  /** Whose signature it is; absent while there is none that can be read. */
  publisher?: Certificate
}

export interface VerifyOptions {
  nowMs: number
  /** Roots, or a self-signed publisher itself; absent: who the publisher is remains unchecked. */
  authorities?: Certificate[]
}

/**
 * Looks at a file as a client does that has the signature policy on: is all of it that can be signed what the publisher has
 * signed? Older files by SHA-1, and signatures with attributes, which rdpsign.exe does not write, are `signature-broken`.
 *
 * @throws BrokerError `ERR_RDP_FILE` for what is no `.rdp` file
 */
export function verifyRdpFile(bytes: Uint8Array, options: VerifyOptions): RdpVerification {
  const file = parseRdpFile(bytes)
  const scope = file.get(SIGNSCOPE)
  const signature = file.get(SIGNATURE)
  if (scope === undefined && signature === undefined) {
    return { verdict: 'signature-missing', detail: 'the file is not signed' }
  }
  if (scope === undefined || signature === undefined) {
    const missing = scope === undefined ? SIGNSCOPE : SIGNATURE
    return { verdict: 'signature-broken', detail: `${missing}: missing` }
  }
  let signedData: SignedData
  try {
    signedData = decodeSignedData(decodeSignature(signature))
  } catch (error) {
    return { verdict: 'signature-broken', detail: errorText(error) }
  }
  const publisher = signedData.signer
  const alteration = findAlteration(file, scope, signedData)
  if (alteration !== undefined) {
    return { verdict: 'signature-altered', detail: alteration, publisher }
  }
  return { ...judgePublisher(signedData, options), publisher }
}

/** Undefined when there is none. */
function findAlteration(file: RdpFile, scope: string, signedData: SignedData): string | undefined {
  const byName = new Map(file.settings.map((setting) => [setting.name.toLowerCase(), setting]))
  const names = scope.split(',').map((name) => name.trim().toLowerCase())
  const missing = names.find((name) => !byName.has(name))
  if (missing !== undefined) return `${missing}: was signed and is missing`
  const added = SIGNABLE_SETTINGS.map((name) => name.toLowerCase()).find(
    (name) => byName.has(name) && !names.includes(name),
  )
  if (added !== undefined) return `${added}: is not covered by the signature`
  const covered = names.flatMap((name) => byName.get(name) ?? [])
  if (isSignedBy(signedData, signedMessage(scope, covered))) return undefined
  return 'a setting differs from what was signed'
}

function isSignedBy({ digest, signer, signature }: SignedData, message: Uint8Array): boolean {
  if (signer.publicKey.asymmetricKeyType !== 'rsa') return false
  const key = { key: signer.publicKey, padding: constants.RSA_PKCS1_PADDING }
  return verify(digest, message, key, signature)
}

function judgePublisher(
  { signer, certificates }: SignedData,
  { nowMs, authorities }: VerifyOptions,
): Pick<RdpVerification, 'verdict' | 'detail'> {
  const { notBefore, notAfter, subject } = signer
  if (nowMs < notBefore.getTime() || nowMs > notAfter.getTime()) {
    const window = `${notBefore.toISOString()} to ${notAfter.toISOString()}`
    return { verdict: 'publisher-outside-window', detail: `${subject}: valid from ${window}` }
  }
  if (authorities === undefined) return { verdict: 'valid' }
  const others = certificates.filter((certificate) => certificate !== signer)
  const [finding] = lintChain([signer, ...others], { authorities, now: new Date(nowMs) })
  if (finding === undefined) return { verdict: 'valid' }
  return { verdict: 'publisher-untrusted', detail: finding.message }
}
