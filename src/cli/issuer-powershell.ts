import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { type Certificate, readCertificate } from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { readText } from './files.ts'
import { print, printJson, say } from './output.ts'
import { takeThumbprint } from './thumbprint.ts'
import { renderWindowsTrust, WINDOWS_VERIFIERS, type WindowsVerifier } from './windows-trust.ts'

interface Options extends ApiOptions {
  for: WindowsVerifier
  certificate?: string[]
  json?: boolean
}

/** Whose tokens a verifier of Microsoft's sees. */
const PURPOSE: Record<WindowsVerifier, string> = { hyperv: 'host', rdgateway: 'gateway' }

export function registerPowershell(issuer: Command): void {
  addApiOptions(
    issuer
      .command('powershell')
      .description(
        'prints a script that makes a Hyper-V host or a Microsoft RD Gateway trust issuers',
      )
      .argument(
        '[thumbprint...]',
        'SHA-1 or SHA-256, in any spelling (default: all of the trust set)',
      )
      .addOption(
        new Option('--for <verifier>', 'where it will run')
          .choices(WINDOWS_VERIFIERS)
          .makeOptionMandatory(),
      )
      .option(
        '--certificate <file...>',
        'public certificates, PEM, in place of the trust set; asks no API',
      )
      .option('--json', 'thumbprints and script as JSON')
      .addHelpText('after', HELP),
  ).action(printScript)
}

const HELP = `
Run the script as administrator on each machine, then say so:
  portcullis issuer acknowledge hv1
From then on a rotation of the issuer waits for that machine.

Example:
  portcullis issuer powershell --for hyperv > trust.ps1`

async function printScript(wanted: string[], options: Options): Promise<void> {
  const all = await readIssuers(options)
  const issuers = wanted.length === 0 ? all : wanted.map((spelled) => findIssuer(all, spelled))
  if (issuers.length === 0) {
    throw new BrokerError('ERR_REFUSED', `trust set: has no issuer for ${PURPOSE[options.for]}s`)
  }
  for (const { publicKey, sha1Thumbprint, subject } of issuers) {
    if (publicKey.asymmetricKeyType === 'rsa') continue
    say(
      `portcullis: ${sha1Thumbprint} (${subject}) has no RSA key: Microsoft's verifiers take RSA alone`,
    )
  }
  const script = renderWindowsTrust(options.for, issuers)
  const thumbprints = issuers.map(({ sha1Thumbprint }) => sha1Thumbprint)
  if (options.json) printJson({ for: options.for, thumbprints, script })
  else print(script)
}

async function readIssuers({ certificate: files, for: verifier, ...api }: Options) {
  if (files !== undefined) {
    return files.map((path) => readCertificate(readText(path, '--certificate'), basename(path)))
  }
  const answer = z.object({
    items: z.array(z.object({ certificatePem: z.string(), purposes: z.array(z.string()) })),
  })
  const { items } = await callApi(await findApi(api), 'GET', '/v1/issuers', { answer })
  return items
    .filter(({ purposes }) => purposes.includes(PURPOSE[verifier]))
    .map(({ certificatePem }) => readCertificate(certificatePem))
}

function findIssuer(issuers: Certificate[], spelled: string): Certificate {
  const thumbprint = takeThumbprint(spelled)
  const found = issuers.find(
    ({ sha1Thumbprint, sha256Thumbprint }) =>
      thumbprint === sha1Thumbprint || thumbprint === sha256Thumbprint,
  )
  if (found !== undefined) return found
  throw new BrokerError('ERR_REFUSED', `${thumbprint}: is not among these issuers`)
}
