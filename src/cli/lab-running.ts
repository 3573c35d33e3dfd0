import { isIP } from 'node:net'
import type { Command } from 'commander'
import type { RunningFarmOptions } from '../lab/index.ts'
import { BrokerError, type Endpoint } from '../lib/index.ts'
import { demoAuthority } from './demo-authority.ts'
import { parseDuration, parseDurationOrNone } from './duration.ts'
import { readAuthoritiesPem, readText } from './files.ts'
import { KEY_PASSWORD_FILE, readKeyFile } from './key-file.ts'
import { addressParser, GATEWAY_PORT } from './port.ts'
import { tryListen } from './try-listen.ts'

/** How `lab expiry` finds a farm in service. */
export interface RunningOptions {
  gateway?: Endpoint
  ca?: string
  audience?: string
  issuerCertificate?: string
  issuerKey?: string
  keyPasswordFile?: string
  echoHost?: Endpoint
  secondAddress?: string
  leeway?: number
  longest?: number
  nodeLog?: string
}

const NEEDED = ['audience', 'issuerCertificate', 'issuerKey', 'echoHost'] as const
const OTHERS = ['ca', 'keyPasswordFile', 'secondAddress', 'leeway', 'longest', 'nodeLog'] as const

export const DEFAULT_LONGEST_SECONDS = 30

export function addRunningOptions(command: Command): Command {
  return command
    .optionsGroup('Against a farm that is running:')
    .option(
      '--gateway <host:port>',
      'one of its nodes, by a name in its certificate',
      addressParser(GATEWAY_PORT),
    )
    .option(
      '--ca <file>',
      "authorities to trust, PEM (default: the running demo's, else the system's)",
    )
    .option('--audience <name>', 'name of the farm')
    .option('--issuer-certificate <file>', "the issuer that `lab` in the node's file lists, PEM")
    .option('--issuer-key <file>', 'its private key, PEM')
    .option(...KEY_PASSWORD_FILE)
    .option('--echo-host <host:port>', 'the echo host that stands beside it', addressParser())
    .option('--second-address <address>', 'of this machine, for a second client')
    .option('--leeway <time>', "the node's leewaySeconds (default: 5s)", parseDurationOrNone)
    .option('--longest <time>', 'leaves out what waits longer (default: 30s)', parseDuration)
    .option('--node-log <file>', "the node's log, as it grows; - for standard input")
}

/**
 * @returns undefined when no farm is named
 * @throws BrokerError `ERR_USAGE` for an option that is missing, means nothing without `--gateway`, or can't be meant
 */
export async function runningFarm(
  options: RunningOptions,
): Promise<RunningFarmOptions | undefined> {
  const { gateway, audience, issuerCertificate, issuerKey, echoHost } = options
  if (gateway === undefined) {
    const idle = [...NEEDED, ...OTHERS].find((name) => options[name] !== undefined)
    if (idle === undefined) return undefined
    throw new BrokerError('ERR_USAGE', `${flag(idle)}: needs --gateway`)
  }
  if (
    audience === undefined ||
    issuerCertificate === undefined ||
    issuerKey === undefined ||
    echoHost === undefined
  ) {
    const missing = NEEDED.filter((name) => options[name] === undefined).map(flag)
    throw new BrokerError('ERR_USAGE', `--gateway: needs ${missing.join(', ')}`)
  }
  const { secondAddress, leeway } = options
  if (secondAddress !== undefined) await expectOwnAddress(secondAddress)
  const ca = options.ca === undefined ? demoAuthority(gateway) : readAuthoritiesPem(options.ca)
  return {
    gateway,
    audience,
    echoHost,
    issuer: {
      certificatePem: readText(issuerCertificate, '--issuer-certificate'),
      privateKeyPem: await readKeyFile(issuerKey, '--issuer-key', options.keyPasswordFile),
    },
    ...(ca === undefined ? {} : { ca }),
    ...(secondAddress === undefined ? {} : { secondAddress }),
    ...(leeway === undefined ? {} : { leewaySeconds: leeway }),
  }
}

/** @throws BrokerError `ERR_USAGE` for one that no client here can come from */
async function expectOwnAddress(host: string): Promise<void> {
  const problem = isIP(host) === 0 ? 'need a literal address' : await tryListen({ host, port: 0 })
  if (problem === undefined) return
  const message = problem === 'EADDRNOTAVAIL' ? 'this machine has no such address' : problem
  throw new BrokerError('ERR_USAGE', `--second-address ${host}: ${message}`)
}

function flag(name: keyof RunningOptions): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
