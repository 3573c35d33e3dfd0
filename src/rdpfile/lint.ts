import { fault, type RdpFinding } from './finding.ts'
import { lintLines } from './lint-lines.ts'
import { lintSettings } from './lint-settings.ts'
import { type RdpVerdict, type VerifyOptions, verifyRdpFile } from './verify.ts'

/** What to do about each verdict. */
const FIXES: Record<Exclude<RdpVerdict, 'valid'>, string> = {
  'signature-missing':
    'name a publisher in the configuration of the broker, or sign it with rdpsign',
  'signature-broken': 'take a new file, or sign this one again',
  'signature-altered': 'take a new file: this one was changed after it was signed',
  'publisher-outside-window': "renew the publisher's certificate",
  'publisher-untrusted': "have clients trust the publisher's authority",
}

/**
 * What is wrong with a console file, whoever made it: how it is written, what it asks the client for, its signature.
 * Empty when nothing is.
 */
export function lintRdpFile(bytes: Uint8Array, options: VerifyOptions): RdpFinding[] {
  const { settings, findings } = lintLines(bytes)
  if (settings === undefined) return findings
  const isReadable = !findings.some(({ severity }) => severity === 'error')
  return [
    ...findings,
    ...lintSettings(settings),
    // What no client can read has no signature that one could look at.
    ...(isReadable ? lintSignature(bytes, options) : []),
  ]
}

function lintSignature(bytes: Uint8Array, options: VerifyOptions): RdpFinding[] {
  const { verdict, detail } = verifyRdpFile(bytes, options)
  if (verdict === 'valid') return []
  return [fault({ code: verdict, message: detail ?? verdict, fix: FIXES[verdict] })]
}
