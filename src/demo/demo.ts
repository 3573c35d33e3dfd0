import { join, resolve } from 'node:path'
import { BrokerError, type Clock, type Endpoint, formatEndpoint } from '../lib/index.ts'
import { ensureCertificates } from './certificates.ts'
import { type AgentPlace, type GatewayPorts, writeConfigFiles } from './config-files.ts'
import { makePrivateDirectory, readIfPresent, writePrivateFile } from './files.ts'
import { checkPortIsFree, findFreePort } from './ports.ts'
import { type ReadinessQuestion, untilReady } from './readiness.ts'
import {
  type ReadyFile,
  removeReadyFile,
  renderCurlConfig,
  runningDemo,
  writeReadyFile,
} from './ready-file.ts'
import { lastWords, type Role, startRole, whileRunning } from './roles.ts'
import { type DemoSecrets, loadSecrets } from './secrets.ts'

export interface DemoOptions {
  /** Holds store, logs, role configurations, ready file. */
  dataDirectory: string
  certsDirectory: string
  /** Loopback address that everything listens on. */
  listen: string
  portalPort: number
  /** First node; the second has the next one. */
  gatewayPort: number
  /** What clients dial when a balancer stands in front of the nodes; absent: the first node. */
  farmAddress?: Endpoint
  /** RDP server that the demo machine is on, with the literal addresses it resolves to; absent: our own demo host. */
  console?: Endpoint & { addresses: string[] }
  /** `src/main.mjs`, or its compiled form. */
  entry: string
  clock: Clock
  /** Progress for the person at the terminal. */
  say: (text: string) => void
  /** Puts the demo's tenant, users, key, host and machines into the store; the same again changes nothing. */
  seed: (storeFile: string, content: SeedContent) => Promise<void>
}

/** All that a user can be given, since `viewer` may no more than these. */
const OPERATOR_ROLES = ['support', 'operator', 'trust-admin'] as const
type OperatorRole = (typeof OPERATOR_ROLES)[number]

/** What the demo's store holds. */
export interface SeedContent {
  tenant: { id: string; name: string }
  users: Array<{ id: string; password: string; tenant?: string; roles?: OperatorRole[] }>
  apiKey: string
  hosts: Array<{ id: string; kind: 'rdp' | 'agent'; address: string; port: number }>
  vms: Array<{ id: string; name: string; host: string; port?: number; guid?: string }>
}

export interface Demo {
  ready: ReadyFile
  readyFile: string
  /** Resolves with the error when a part ends that should not. */
  failure: Promise<BrokerError>
  /** Ends every part and removes the ready file. */
  stop(): Promise<void>
}

export const FARM_NAME = 'demo'
/** The name clients dial; every certificate carries it. */
const SERVER_NAME = 'localhost'
const NAMES = [SERVER_NAME, '127.0.0.1', '::1']
const GATEWAYS = ['gw1', 'gw2']
const HOST = 'demo-host'
/** Of the host agent, and of the host that it stands in front of. */
const AGENT = 'demo-agent'
const ALPHA = { id: 'vm-alpha', name: 'alpha' }
/** Stands behind the host agent, which knows a machine by its GUID. */
const BRAVO = { id: 'vm-bravo', name: 'bravo' }
const BRAVO_GUID = '0d8a2f6e-3c1b-4e57-9a64-7f2b5c8e1d30'
const TENANT = { id: 'acme', name: 'Acme Hosting' }
const TENANT_USER = 'tenant'
const OPERATOR_USER = 'operator'

/** Lies in the data directory, for people who try the API by hand. */
export const CURL_CONFIG = 'curl.conf'

const START_WITHIN_MS = 20_000
const STOP_GRACE_MS = 5_000

/**
 * Starts demo host, host agent, broker with portal, and two nodes as separate processes, and writes the ready file
 * when all of them answer.
 *
 * @throws BrokerError `ERR_START`, after everything that was started has ended again
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const dataDirectory = resolve(options.dataDirectory)
  const readyFile = join(dataDirectory, 'demo.json')
  makePrivateDirectory(dataDirectory, 'data directory', 'choose another with --data-dir')
  refuseSecondDemo(readyFile, dataDirectory)
  await checkPorts(options)

  const roles: Role[] = []
  const stop = async (): Promise<void> => {
    removeReadyFile(readyFile)
    await Promise.all(roles.map((role) => role.stop(STOP_GRACE_MS)))
  }
  try {
    const ready = await startRoles(options, dataDirectory, roles)
    writePrivateFile(join(dataDirectory, CURL_CONFIG), renderCurlConfig(ready))
    writeReadyFile(readyFile, ready)
    return { ready, readyFile, failure: firstFailure(roles), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function refuseSecondDemo(readyFile: string, dataDirectory: string): void {
  const pid = runningDemo(readyFile)
  if (pid === undefined) return
  throw new BrokerError(
    'ERR_START',
    `a demo with the data directory ${dataDirectory} runs already (process ${pid}): stop it, or choose another with --data-dir`,
  )
}

async function checkPorts({ listen, portalPort, gatewayPort }: DemoOptions): Promise<void> {
  await checkPortIsFree(listen, portalPort, '--portal-port')
  for (const index of GATEWAYS.keys()) {
    await checkPortIsFree(listen, gatewayPort + index, '--gateway-port')
  }
}

async function startRoles(
  options: DemoOptions,
  dataDirectory: string,
  roles: Role[],
): Promise<ReadyFile> {
  const { certsDirectory, clock, entry, gatewayPort, listen, portalPort, say } = options
  const logDirectory = join(dataDirectory, 'log')
  makePrivateDirectory(
    logDirectory,
    'log directory',
    'choose another data directory with --data-dir',
  )
  const start = (name: string, args: string[]): Role => {
    const role = startRole({ name, args, entry, logDirectory })
    roles.push(role)
    return role
  }

  const certificates = await ensureCertificates({
    directory: certsDirectory,
    farmName: FARM_NAME,
    gateways: GATEWAYS,
    agent: AGENT,
    names: NAMES,
    clock,
    say,
  })
  const secrets = loadSecrets(dataDirectory)
  const target: Target =
    options.console === undefined
      ? await startDemoHost(start, listen, certificates.hostTls)
      : options.console

  const storeFile = join(dataDirectory, 'portcullis.sqlite')
  await options.seed(storeFile, seedContent(secrets, target))

  const { farmAddress } = options
  const gateways: GatewayPorts[] = []
  for (const [index, id] of GATEWAYS.entries()) {
    const port = gatewayPort + index
    const balanced = farmAddress !== undefined
    gateways.push({
      id,
      port,
      ...(balanced ? { directPort: await findFreePort(listen, 0, []) } : {}),
    })
  }
  const gatewayAddress = formatEndpoint(farmAddress ?? { host: SERVER_NAME, port: gatewayPort })
  const configFiles = writeConfigFiles({
    directory: join(dataDirectory, 'config'),
    farm: { name: FARM_NAME, address: gatewayAddress },
    listen,
    portalPort,
    controlPort: await findFreePort(
      listen,
      portalPort + 1,
      gateways.map(({ port }) => port),
    ),
    gateways,
    certificates,
    storeFile,
    ...(target.agent === undefined ? {} : { agent: target.agent }),
    targets: { addresses: target.addresses, ports: portsOf(target) },
  })
  say('Starting broker and gateways…')
  const ca = readIfPresent(certificates.caFile) ?? ''
  const startReady = (
    name: string,
    role: string,
    config: string,
    question: Pick<ReadinessQuestion, 'port' | 'ca'>,
  ): Promise<void> =>
    untilRoleIsReady(start(name, [role, '--config', config]), {
      ...{ address: listen, serverName: SERVER_NAME },
      ...question,
    })
  await Promise.all([
    startReady('broker', 'broker', configFiles.broker, { port: portalPort, ca }),
    ...gateways.map(({ id, port, directPort = port }, index) =>
      startReady(id, 'gateway', configFiles.gateways[index] ?? '', { port: directPort, ca }),
    ),
    ...(target.agent === undefined
      ? []
      : [
          startReady('host-agent', 'host-agent', configFiles.agent ?? '', {
            port: target.agent.metricsPort,
          }),
        ]),
  ])

  const url = `https://${formatEndpoint({ host: SERVER_NAME, port: portalPort })}`
  const addressOf = (port: number): string => formatEndpoint({ host: SERVER_NAME, port })
  return {
    pid: process.pid,
    portalUrl: url,
    apiUrl: url,
    gatewayAddress,
    gateways: gateways.map(({ id, port }) => ({ id, address: addressOf(port) })),
    caFile: certificates.caFile,
    apiKey: secrets.apiKey,
    operator: { user: OPERATOR_USER, password: secrets.operatorPassword },
    tenant: { id: TENANT.id, user: TENANT_USER, password: secrets.tenantPassword },
    vms: target.agent === undefined ? [ALPHA] : [ALPHA, BRAVO],
  }
}

/** Where the machines' consoles are. */
interface Target {
  host: string
  addresses: string[]
  /** The first machine's. */
  port: number
  /** In front of the second one, where there is one. */
  agent?: AgentPlace
}

/** All that a node may dial. */
function portsOf({ port, agent }: Target): number[] {
  return agent === undefined ? [port] : [port, agent.port]
}

/** The demo host picks free ports, one for each machine, and says which over its IPC channel. */
async function startDemoHost(
  start: (name: string, args: string[]) => Role,
  listen: string,
  tls: { certificateFile: string; privateKeyFile: string },
): Promise<Target> {
  const role = start('demo-host', [
    'demo-host',
    ...['--listen', listen],
    ...['--certificate', tls.certificateFile],
    ...['--private-key', tls.privateKeyFile],
    ...['--proxied', BRAVO.name],
    ...[ALPHA.name, BRAVO.name],
  ])
  const message = await whileRunning(role, role.firstMessage, START_WITHIN_MS)
  const [port, consolePort] = readPorts(message)
  const agentPort = await findFreePort(listen, 0, [])
  const metricsPort = await findFreePort(listen, 0, [])
  return {
    ...{ host: listen, addresses: [listen], port },
    agent: { id: AGENT, port: agentPort, metricsPort, guid: BRAVO_GUID, consolePort },
  }
}

function readPorts(message: unknown): [number, number] {
  if (typeof message === 'object' && message !== null && 'ports' in message) {
    const { ports } = message
    if (Array.isArray(ports) && ports.every((port) => Number.isInteger(port))) {
      const [first, second] = ports
      if (ports.length === 2) return [first, second]
    }
  }
  throw new BrokerError('ERR_START', 'demo-host: its first message does not name two ports')
}

function seedContent(secrets: DemoSecrets, { host: address, port, agent }: Target): SeedContent {
  return {
    tenant: TENANT,
    users: [
      { id: OPERATOR_USER, password: secrets.operatorPassword, roles: [...OPERATOR_ROLES] },
      { id: TENANT_USER, password: secrets.tenantPassword, tenant: TENANT.id },
    ],
    apiKey: secrets.apiKey,
    hosts: [
      { id: HOST, kind: 'rdp', address, port },
      ...(agent === undefined
        ? []
        : [{ id: agent.id, kind: 'agent' as const, address, port: agent.port }]),
    ],
    vms: [
      { ...ALPHA, host: HOST },
      ...(agent === undefined ? [] : [{ ...BRAVO, host: agent.id, guid: agent.guid }]),
    ],
  }
}

async function untilRoleIsReady(role: Role, question: ReadinessQuestion): Promise<void> {
  const giveUp = new AbortController()
  const answered = untilReady(question, giveUp.signal)
  answered.catch(() => {})
  try {
    await whileRunning(role, answered, START_WITHIN_MS)
  } finally {
    giveUp.abort()
  }
}

async function firstFailure(roles: Role[]): Promise<BrokerError> {
  return Promise.race(
    roles.map(async (role) => {
      const how = await role.ended
      return new BrokerError('ERR_START', `${role.name} has stopped: ${how}\n${lastWords(role)}`)
    }),
  )
}
