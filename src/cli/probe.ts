import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type ConsoleChannel,
  type NegotiateOptions,
  negotiate,
  negotiateDirectly,
  openConsole,
  StepError,
  type StepReport,
  type TransportKind,
} from '../client/index.ts'
import {
  BrokerError,
  type Endpoint,
  errorText,
  formatEndpoint,
  isUntrusted,
  parseEndpoint,
  Secret,
} from '../lib/index.ts'
import {
  type ConnectionConfirm,
  formatStatus,
  NegotiationFailureCode,
  SecurityProtocol,
} from '../protocol/index.ts'
import { parseRdpFile, type RdpFile } from '../rdpfile/index.ts'
import { claimedJti } from '../tokens/index.ts'
import { demoAuthority } from './demo-authority.ts'
import { referenceInFileName } from './file-reference.ts'
import { readAuthoritiesPem, readBytes } from './files.ts'
import { print, printJson, say } from './output.ts'
import { addressParser, GATEWAY_PORT } from './port.ts'

const TRANSPORTS: readonly TransportKind[] = ['websocket', 'http']
const DEFAULT_TIMEOUT_MS = 10_000
/** Nobody waits longer for one step; timers of Node end at 24 days, and then fire at once. */
const MAX_TIMEOUT_MS = 3_600_000
const RDP_PORT = 3389

interface Options {
  ca?: string
  gateway?: Endpoint
  transport: TransportKind
  timeout: number
  json?: boolean
}

/** What an `.rdp` file says about the way to its target. */
interface Route {
  gateway: Endpoint
  target: Endpoint
  token: Secret
  preconnectionBlob: string | undefined
  /** The host speaks TLS after the blob, without X.224: Hyper-V's console. */
  direct: boolean
}

/** By what the logs know this attempt: clients are told a class of reasons only. */
interface Attempt {
  /** In the node's. */
  connectionId: string
  /** In the broker's, as the name of a downloaded file has it. */
  ref?: string
  /** In both, as the token says, which nobody has verified. */
  jti?: string
}

export function register(program: Command): void {
  program
    .command('probe')
    .description('goes through the gateway of an .rdp file to the first answer of its target')
    .argument('<file>', '.rdp file with a gateway token; the probe uses one opening of it')
    .option(
      '--ca <file>',
      "authorities to trust, PEM (default: the running demo's for its gateways, else the system's)",
    )
    .option(
      '--gateway <host:port>',
      "one node of a farm, in place of the file's gateway, as which it must still prove itself",
      addressParser(GATEWAY_PORT),
    )
    .addOption(
      new Option('--transport <kind>', 'how to reach the gateway')
        .choices(TRANSPORTS)
        .default('websocket'),
    )
    .option('--timeout <time>', 'limit of each step, for example 500ms or 10s', parseTimeout)
    .option('--json', 'steps and answer as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis probe console.rdp --ca certs/public/ca.crt\n  portcullis probe console.rdp --gateway 192.0.2.21:443 --transport http',
    )
    .action((path: string, { timeout = DEFAULT_TIMEOUT_MS, ...options }: Options) =>
      probe(path, { ...options, timeout }),
    )
}

async function probe(
  path: string,
  { ca, gateway: dial, transport, timeout, json }: Options,
): Promise<void> {
  const route = routeOf(path)
  const [ref, jti] = [referenceInFileName(path), claimedJti(route.token)]
  const attempt: Attempt = {
    connectionId: randomUUID(),
    ...(ref === undefined ? {} : { ref }),
    ...(jti === undefined ? {} : { jti }),
  }
  const reports: StepReport[] = []
  const common = {
    timeoutMs: timeout,
    onStep: (report: StepReport): void => {
      reports.push(report)
      if (!json) print(stepLine(report))
    },
  }
  const summary = () => ({
    gateway: formatEndpoint(dial ?? route.gateway),
    target: formatEndpoint(route.target),
    transport,
    ...attempt,
    steps: reports.map(({ step, durationMs }) => ({ step, durationMs: toTenths(durationMs) })),
  })
  try {
    const channel = await openConsole({
      ...common,
      ...route,
      dial,
      connectionId: attempt.connectionId,
      transport,
      ca: ca === undefined ? demoAuthority(route.gateway) : readAuthoritiesPem(ca),
    })
    try {
      const answer = await ask(channel, route, common)
      if (json) printJson({ ...summary(), answer })
      else print(`${formatEndpoint(route.target)} answers: ${answer}`)
    } finally {
      channel.destroy()
    }
  } catch (error) {
    if (error instanceof StepError) {
      if (json) printJson({ ...summary(), failure: failureOf(error) })
      else if (error.code === 'ERR_REFUSED') say(whereToLook(attempt))
      else if (isUntrusted(error)) say("name the farm's ca.crt with --ca")
    }
    throw error
  }
}

/** What the target says first, in words. */
async function ask(
  channel: ConsoleChannel,
  { direct, preconnectionBlob }: Route,
  common: Omit<NegotiateOptions, 'preconnectionBlob'>,
): Promise<string> {
  const options = { ...common, preconnectionBlob }
  if (!direct) return describe(await negotiate(channel, options))
  const { protocol, sha256Thumbprint } = await negotiateDirectly(channel, options)
  return `${protocol} at once, with certificate ${sha256Thumbprint}`
}

function whereToLook({ connectionId, ref, jti }: Attempt): string {
  const reference = ref ?? jti
  const broker =
    reference === undefined ? '' : `"portcullis why ${reference}" asks the broker why; `
  return `${broker}the reason is in the node's log at connectionId ${connectionId}`
}

/** @throws BrokerError `ERR_RDP_FILE` naming the file, and the line or setting that is wrong in it */
function routeOf(path: string): Route {
  const bytes = readBytes(path, 'file')
  try {
    return readRoute(parseRdpFile(bytes))
  } catch (error) {
    throw new BrokerError('ERR_RDP_FILE', `${path}: ${errorText(error)}`, { cause: error })
  }
}

/** @throws BrokerError `ERR_RDP_FILE` naming the setting that is missing or can't be followed */
function readRoute(file: RdpFile): Route {
  const token = file.get('gatewayaccesstoken')
  if (token === undefined || token === '') {
    throw new BrokerError('ERR_RDP_FILE', 'gatewayaccesstoken: not in the file')
  }
  return {
    gateway: endpointOf(file, 'gatewayhostname', GATEWAY_PORT),
    target: endpointOf(file, 'full address', portOf(file)),
    token: new Secret(token),
    preconnectionBlob: file.get('pcb') || undefined,
    direct: file.get('negotiate security layer') === '0',
  }
}

/** The setting's type is not checked by the file's parser: it may be text. */
function portOf(file: RdpFile): number {
  const text = file.get('server port') ?? String(RDP_PORT)
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new BrokerError('ERR_RDP_FILE', 'server port: need a number up to 65535')
}

function endpointOf(file: RdpFile, setting: string, defaultPort: number): Endpoint {
  const text = file.get(setting)
  if (text === undefined) throw new BrokerError('ERR_RDP_FILE', `${setting}: not in the file`)
  const endpoint = parseEndpoint(text, defaultPort)
  if (endpoint === undefined) throw new BrokerError('ERR_RDP_FILE', `${setting}: need host:port`)
  return endpoint
}

function failureOf(error: StepError) {
  const { step, code, statusCode, statusName, httpStatus } = error
  return {
    step,
    code,
    ...(statusCode === undefined ? {} : { status: formatStatus(statusCode), statusName }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    detail: error.message,
  }
}

/** Less than that is noise. */
function toTenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}

function stepLine({ step, durationMs }: StepReport): string {
  return `${step.padEnd(14)}${durationMs.toFixed(1).padStart(9)} ms`
}

function describe(confirm: ConnectionConfirm): string {
  switch (confirm.kind) {
    case 'plain':
      return 'RDP with standard security, no negotiation'
    case 'failure':
      return `RDP refuses what was offered: ${nameIn(NegotiationFailureCode, confirm.failureCode)}`
    case 'selected':
      return `RDP with ${nameIn(SecurityProtocol, confirm.selectedProtocol)}`
  }
}

function nameIn(table: Record<string, number>, value: number): string {
  return Object.entries(table).find(([, code]) => code === value)?.[0] ?? String(value)
}

/** `500ms`, `10s`, `2m` or plain seconds, in milliseconds. */
function parseTimeout(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,6})(ms|s|m)?$/.exec(text) ?? []
  const milliseconds = Number(number) * (unit === 'ms' ? 1 : unit === 'm' ? 60_000 : 1_000)
  if (milliseconds > 0 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds
  throw new InvalidArgumentError('need a time such as 500ms or 10s, at most 60m.')
}
