import { type Command, InvalidArgumentError } from 'commander'
import { readCertificate } from '../certs/index.ts'
import { Refusal, Secret, systemClock } from '../lib/index.ts'
import {
  type AnyVerifiedToken,
  createTrustList,
  DEFAULT_LEEWAY_SECONDS,
  MAX_LEEWAY_SECONDS,
  type Purpose,
  parsePreconnectionText,
  type TrustList,
  type VerifiedHostToken,
  verifyAnyGatewayToken,
  verifyHostToken,
} from '../tokens/index.ts'
import { readText } from './files.ts'
import { print, printJson } from './output.ts'
import { readToken } from './token-input.ts'

interface Options {
  issuer: string[]
  audience: string
  hostToken?: boolean
  clientAddress?: string
  leeway: number
  json?: boolean
}

export function registerVerify(token: Command): void {
  token
    .command('verify')
    .description('verifies a token as a gateway or a host does; an issuer is trusted when named')
    .argument('[file]', 'token or .rdp file, - for standard input', '-')
    .requiredOption('--issuer <certificate...>', 'certificates of trusted issuers, PEM')
    .requiredOption('--audience <name>', 'name of the farm; of a host token the id of the host')
    .option('--host-token', 'verify the host token: GUID;Token=…, or the pcb of an .rdp file')
    .option('--client-address <address>', 'where the client comes from, for a token bound to one')
    .option(
      '--leeway <seconds>',
      'clock difference to forgive',
      parseLeeway,
      DEFAULT_LEEWAY_SECONDS,
    )
    .option('--json', 'the outcome as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis token verify console.rdp --issuer certs/public/issuer.crt --audience demo',
    )
    .action(runVerify)
}

async function runVerify(path: string, options: Options): Promise<void> {
  try {
    const verified = await verify(path, options)
    const outcome = describe(verified, options)
    if (options.json) printJson({ ok: true, ...outcome })
    else printOutcome(outcome)
  } catch (error) {
    if (options.json && error instanceof Refusal) {
      printJson({ ok: false, reason: error.reason, detail: error.message })
    }
    throw error
  }
}

async function verify(
  path: string,
  options: Options,
): Promise<AnyVerifiedToken | VerifiedHostToken> {
  const { audience, leeway: leewaySeconds, clientAddress } = options
  const nowMs = systemClock.now()
  if (options.hostToken) {
    const { text } = await readToken(path, 'pcb')
    const { vmGuid, hostToken } = parsePreconnectionText(new Secret(text))
    const trust = readTrust(options.issuer, 'host', nowMs)
    return verifyHostToken(hostToken, { trust, nowMs, leewaySeconds, audience, vmGuid })
  }
  const { text } = await readToken(path, 'gatewayaccesstoken')
  return verifyAnyGatewayToken(new Secret(text), {
    trust: readTrust(options.issuer, 'gateway', nowMs),
    nowMs,
    leewaySeconds,
    audience,
    ...(clientAddress === undefined ? {} : { clientAddress }),
  })
}

/** A certificate that can't be trusted is an error of the operator, named before any token is looked at. */
function readTrust(files: string[], purpose: Purpose, nowMs: number): TrustList {
  const entries = files.map((file) => {
    const certificate = readCertificate(readText(file, '--issuer'), `--issuer ${file}`)
    return { certificate, purpose }
  })
  return createTrustList(entries, nowMs)
}

interface Outcome {
  format: 'gateway token' | 'host token' | 'FedAuth gateway token'
  /** SHA-256 thumbprint. */
  issuer: string
  expiresAt: string
  claims: Record<string, unknown>
  /** The token names no VM. */
  vmUnbound?: true
}

function describe(verified: AnyVerifiedToken | VerifiedHostToken, options: Options): Outcome {
  const { claims, issuerThumbprint } = verified
  const vmUnbound = 'vmUnbound' in verified && verified.vmUnbound === true
  const native = options.hostToken ? 'host token' : 'gateway token'
  return {
    format: vmUnbound ? 'FedAuth gateway token' : native,
    issuer: issuerThumbprint,
    expiresAt: new Date(claims.exp * 1000).toISOString(),
    claims: { ...claims },
    ...(vmUnbound ? { vmUnbound } : {}),
  }
}

function printOutcome({ format, issuer, expiresAt, claims, vmUnbound }: Outcome): void {
  print(`verified  ${format}`)
  print(`issuer    ${issuer}`)
  print(`expires   ${expiresAt}`)
  for (const [name, value] of Object.entries(claims)) print(`${name.padEnd(10)}${value}`)
  if (vmUnbound) print('binding   vm-unbound: names a host, and no VM of it')
}

function parseLeeway(text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= MAX_LEEWAY_SECONDS) return seconds
  throw new InvalidArgumentError(`need 0 to ${MAX_LEEWAY_SECONDS} seconds.`)
}
