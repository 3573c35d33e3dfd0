import type { Command } from 'commander'
import { systemClock } from '../lib/index.ts'
import { type RdpVerification, verifyRdpFile } from '../rdpfile/index.ts'
import { readAuthorities } from './authorities.ts'
import { summary } from './certs-options.ts'
import { readBytes } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'

interface Options {
  ca?: string
  json?: boolean
}

export function register(rdp: Command): void {
  rdp
    .command('verify')
    .description('checks the signature of an .rdp file and shows who signed it')
    .argument('<file>', '.rdp file')
    .option('--ca <file>', 'authorities to trust, PEM (default: the publisher is only shown)')
    .option('--json', 'verdict and publisher as JSON')
    .addHelpText('after', '\nExample:\n  portcullis rdp verify console.rdp --ca ca.crt')
    .action(verify)
}

function verify(path: string, { ca, json }: Options): void {
  const verification = verifyRdpFile(readBytes(path, 'file'), {
    nowMs: systemClock.now(),
    ...(ca === undefined ? {} : { authorities: readAuthorities(ca) }),
  })
  const { verdict, detail, publisher } = verification
  if (json) printJson(toJson(verification))
  else printVerification(verification)
  if (verdict !== 'valid') {
    say(`portcullis: ${verdict}: ${detail}`)
    process.exitCode = ExitCode.refused
  } else if (ca === undefined && publisher !== undefined) {
    say(`whether ${publisher.issuer} may be trusted was not checked: --ca`)
  }
}

function printVerification({ verdict, publisher }: RdpVerification): void {
  print(`verdict    ${verdict}`)
  if (publisher === undefined) return
  const { subject, issuer, sha1Thumbprint, sha256Thumbprint, notBefore, notAfter } = publisher
  print(`publisher  ${subject}`)
  print(`authority  ${issuer}`)
  print(`SHA-1      ${sha1Thumbprint} (for the group policy of trusted publishers)`)
  print(`SHA-256    ${sha256Thumbprint}`)
  print(`valid      ${notBefore.toISOString()} to ${notAfter.toISOString()}`)
}

function toJson({ verdict, detail, publisher }: RdpVerification) {
  return {
    verdict,
    ...(detail === undefined ? {} : { detail }),
    ...(publisher === undefined
      ? {}
      : { publisher: { ...summary(publisher), issuer: publisher.issuer } }),
  }
}
