import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { KeyPair } from '../certs/index.ts'
import { BrokerError, nowSeconds, parseEndpoint, type Secret, systemClock } from '../lib/index.ts'
import {
  createIssuer,
  type GatewayClaims,
  type HostClaims,
  type HostKind,
  type Issuer,
  renderPreconnectionText,
} from '../tokens/index.ts'
import { type ApiOptions, addApiOptions } from './api-access.ts'
import { parseDuration } from './duration.ts'
import { readText } from './files.ts'
import { KEY_PASSWORD_FILE, readKeyFile } from './key-file.ts'
import { print } from './output.ts'
import { writePrivately } from './private-file.ts'
import { mintByApi } from './token-mint-api.ts'
import {
  addWrongOptions,
  makeWrong,
  NOT_OF_FEDAUTH,
  type Times,
  type WrongOptions,
  wrongTimes,
} from './token-wrong.ts'

type Format = 'native' | 'host' | 'fedauth'

/** What a token says, by the option that sets it. */
interface ClaimOptions {
  audience?: string
  tenant?: string
  user?: string
  vm?: string
  vmGuid?: string
  kind?: HostKind
  target?: string
  broker?: string
  jti?: string
  clientAddress?: string
  idleMinutes?: number
  sessionSeconds?: number
  redirections?: number
  reconnectSeconds?: number
}

/** Of a token that is signed here. */
interface Options extends ClaimOptions, WrongOptions {
  format: Format
  /** Seconds. */
  ttl: number
}

type Given = Partial<Options> &
  ApiOptions & {
    issuerKey?: string
    issuerCertificate?: string
    keyPasswordFile?: string
    out?: string
  }

const DEFAULT_TTL_SECONDS = 60

/** All that goes without an issuer's key: what the API takes, and where the token goes. */
const TAKEN_BY_API: readonly string[] = [
  ...['vm', 'tenant', 'user', 'clientAddress', 'ttl', 'format', 'out'],
  ...['api', 'keyFile', 'ca', 'readyFile'],
]

/** Which claims each format needs, and which others it can say. */
const CLAIMS: Record<Format, { needs: (keyof ClaimOptions)[]; takes: (keyof ClaimOptions)[] }> = {
  native: {
    needs: ['audience', 'tenant', 'user', 'vm', 'kind', 'target'],
    takes: [
      'vmGuid',
      'broker',
      'jti',
      'clientAddress',
      'idleMinutes',
      'sessionSeconds',
      'redirections',
      'reconnectSeconds',
    ],
  },
  host: { needs: ['audience', 'vm', 'vmGuid'], takes: ['broker', 'jti', 'reconnectSeconds'] },
  fedauth: { needs: ['target'], takes: [] },
}

export function registerMint(token: Command): void {
  const command = token
    .command('mint')
    .description('mints a token: with an issuer key, and nothing is kept of it; else by the broker')
    .option('--issuer-key <file>', 'private key of the issuer, PEM; without it the broker mints')
    .option('--issuer-certificate <file>', 'its certificate, PEM')
    .option(...KEY_PASSWORD_FILE)
    .addOption(
      new Option(
        '--format <format>',
        'gateway token, host token, or FedAuth gateway token (default: native)',
      ).choices(Object.keys(CLAIMS)),
    )
    .option(
      '--ttl <time>',
      'how long it may be presented, for example 60s or 5m (default: 60s, or what policy says)',
      parseDuration,
    )
    .option('--audience <name>', 'name of the farm; of a host token the id of the host')
    .option('--tenant <id>', 'tenant')
    .option('--user <id>', 'user, the subject')
    .option('--vm <id>', 'VM, as the inventory names it')
    .option('--vm-guid <guid>', "VM, as the host's preconnection blob names it")
    .addOption(
      new Option('--kind <kind>', 'kind of the host').choices(['rdp', 'hyperv', 'agent', 'vnc']),
    )
    .option('--target <host:port>', 'the host, as the file will name it')
    .option('--broker <name>', 'who minted it (default: "broker")')
    .option('--jti <id>', 'id of the token (default: a new one)')
    .option('--client-address <address>', 'only this address or prefix may present it')
    .option('--idle-minutes <n>', 'end the session after so long without input', parseCount)
    .option('--session-seconds <n>', 'end the session after so long', parseCount)
    .option('--redirections <flags>', 'redirection flags of MS-TSGU, as a number', parseCount)
    .option('--reconnect-seconds <n>', 'how long a dropped client may come back', parseCount)
    .option('--out <file>', 'write here, readable for you alone (default: standard output)')
  addApiOptions(command)
  addWrongOptions(command)
    .addHelpText(
      'after',
      `
Without --issuer-key it is a token of the broker's, of a console that counts as opened; then --vm is all it
needs, and --tenant, --user, --client-address, --ttl and --format are all it takes.
A host token is written as the text of the preconnection blob: GUID;Token=…

Example:
  portcullis token mint --issuer-key issuer.key --issuer-certificate issuer.crt --audience demo \\
    --tenant acme --user ann --vm web --kind rdp --target 192.0.2.10:3389 --out token.txt
  portcullis token mint --vm web --out token.txt                # by the broker

A tester adds what shall be wrong, for example --expired 10m, --wrong-audience or --algorithm none.`,
    )
    .action(runMint)
}

async function runMint({ issuerKey, issuerCertificate, ...given }: Given): Promise<void> {
  const isSignedHere = issuerKey !== undefined || issuerCertificate !== undefined
  const token = isSignedHere
    ? await mintHere(await readIssuer(issuerKey, issuerCertificate, given), given)
    : await mintByApi(onlyTakenByApi(given))
  if (given.out === undefined) {
    print(token.reveal())
  } else {
    writePrivately(given.out, Buffer.from(`${token.reveal()}\n`), '--out')
    print(given.out)
  }
}

/** @throws BrokerError `ERR_USAGE` */
function onlyTakenByApi(given: Given): Given {
  const other = Object.keys(given).find((name) => !TAKEN_BY_API.includes(name))
  if (other !== undefined) {
    throw new BrokerError('ERR_USAGE', `${flag(other)}: goes with --issuer-key only`)
  }
  if (given.format !== 'host') return given
  throw new BrokerError('ERR_USAGE', '--format host: goes with --issuer-key only')
}

async function readIssuer(
  key: string | undefined,
  certificate: string | undefined,
  { keyPasswordFile }: Given,
): Promise<KeyPair> {
  if (key === undefined || certificate === undefined) {
    const missing = key === undefined ? '--issuer-key' : '--issuer-certificate'
    throw new BrokerError('ERR_USAGE', `${missing}: missing, key and certificate go together`)
  }
  return {
    certificatePem: readText(certificate, '--issuer-certificate'),
    privateKeyPem: await readKeyFile(key, '--issuer-key', keyPasswordFile),
  }
}

async function mintHere(pair: KeyPair, given: Given): Promise<Secret> {
  const options = {
    ...given,
    format: given.format ?? 'native',
    ttl: given.ttl ?? DEFAULT_TTL_SECONDS,
  }
  checkOptions(options)
  return mint(await createIssuer(pair), pair, options)
}

async function mint(issuer: Issuer, pair: KeyPair, options: Options): Promise<Secret> {
  const iat = nowSeconds(systemClock)
  const times = { iat, nbf: iat, exp: iat + options.ttl }
  switch (options.format) {
    case 'native':
      return makeWrong(await issuer.sign(gatewayClaims(options, times)), pair, options)
    case 'host': {
      const claims = hostClaims(options, times)
      const hostToken = makeWrong(await issuer.signHost(claims), pair, options)
      return renderPreconnectionText({ vmGuid: claims.vmg, hostToken })
    }
    case 'fedauth': {
      if (issuer.signFedAuth === undefined) {
        throw new BrokerError('ERR_USAGE', '--format fedauth: needs an issuer with an RSA key')
      }
      const { exp } = wrongTimes(times, options)
      return (await issuer.signFedAuth({ dst: options.target ?? '', exp })).token
    }
  }
}

/** What is missing or wrong is found by the same check as a verifier's, which names the claim. */
function gatewayClaims(options: Options, times: Times): GatewayClaims {
  const { audience = '', tenant = '', user = '', vm = '', kind = 'rdp', target = '' } = options
  const { vmGuid, clientAddress, idleMinutes, sessionSeconds, redirections } = options
  return {
    iss: options.broker ?? 'broker',
    aud: audience.toLowerCase(),
    jti: options.jti ?? randomUUID(),
    ...times,
    tid: tenant,
    sub: user,
    vm,
    knd: kind,
    dst: target,
    ...(vmGuid === undefined ? {} : { vmg: vmGuid }),
    ...(clientAddress === undefined ? {} : { cip: clientAddress }),
    ...(idleMinutes === undefined ? {} : { idl: idleMinutes }),
    ...(sessionSeconds === undefined ? {} : { max: sessionSeconds }),
    ...(redirections === undefined ? {} : { rdr: redirections }),
    ...(options.reconnectSeconds === undefined ? {} : { rcw: options.reconnectSeconds }),
  }
}

function hostClaims(options: Options, times: Times): HostClaims {
  const { audience = '', vm = '', vmGuid = '', reconnectSeconds } = options
  return {
    iss: options.broker ?? 'broker',
    aud: audience,
    jti: options.jti ?? randomUUID(),
    ...times,
    vm,
    vmg: vmGuid,
    ...(reconnectSeconds === undefined ? {} : { rcw: reconnectSeconds }),
  }
}

/** @throws BrokerError `ERR_USAGE` for a claim that the format needs, or has no place for */
function checkOptions(options: Options): void {
  const { needs, takes } = CLAIMS[options.format]
  const missing = needs.find((name) => options[name] === undefined)
  if (missing !== undefined) {
    throw new BrokerError('ERR_USAGE', `${flag(missing)}: needed with --format ${options.format}`)
  }
  const all = new Set(Object.values(CLAIMS).flatMap((claims) => [...claims.needs, ...claims.takes]))
  for (const name of all) {
    if (options[name] === undefined || needs.includes(name) || takes.includes(name)) continue
    throw new BrokerError('ERR_USAGE', `${flag(name)}: --format ${options.format} cannot say it`)
  }
  const unsaid = NOT_OF_FEDAUTH.find((name) => options[name] !== undefined)
  if (options.format === 'fedauth' && unsaid !== undefined) {
    throw new BrokerError('ERR_USAGE', `${flag(unsaid)}: --format fedauth cannot say it`)
  }
  if (options.target !== undefined && parseEndpoint(options.target) === undefined) {
    throw new BrokerError('ERR_USAGE', `--target ${options.target}: need host:port`)
  }
}

function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function parseCount(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('need a number.')
}
