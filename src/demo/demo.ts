import { join, resolve } from 'node:path'
import { BrokerError, type Clock, type Endpoint, formatEndpoint } from '../lib/index.ts'
import { ensureCertificates } from './certificates.ts'
import {
  type AgentPlace,
  type ConfigFiles,
  type GatewayPorts,
  writeConfigFiles,
} from './config-files.ts'
import { makePrivateDirectory, readIfPresent, writePrivateFile } from './files.ts'
import { type SeedContent, seedContent } from './inventory.ts'
import {
  AGENT,
  ALPHA,
  BRAVO,
  FARM_NAME,
  GATEWAYS,
  NAMES,
  OPERATOR_USER,
  SERVER_NAME,
  TENANT,
  TENANT_USER,
} from './names.ts'
import { checkPortIsFree, findFreePort } from './ports.ts'
import { type ReadinessQuestion, untilReady } from './readiness.ts'
import {
  type ReadyFile,
  removeReadyFile,
  renderCurlConfig,
  runningDemo,
  writeReadyFile,
} from './ready-file.ts'
import {
  lastWords,
  type Role,
  START_WITHIN_MS,
  type StartRole,
  startRole,
  whileRunning,
} from './roles.ts'
import { loadSecrets } from './secrets.ts'
import { portsOf, startDemoHost, type Target } from './target.ts'

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

export interface Demo {
  ready: ReadyFile
  readyFile: string
  /** Resolves with the error when a part ends that should not. */
  failure: Promise<BrokerError>
  /** Ends every part and removes the ready file. */
  stop(): Promise<void>
}

/** Lies in the data directory, for people who try the API by hand. */
export const CURL_CONFIG = 'curl.conf'

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
  const { certsDirectory, clock, entry, listen, portalPort, say } = options
  const logDirectory = join(dataDirectory, 'log')
  makePrivateDirectory(
    logDirectory,
    'log directory',
    'choose another data directory with --data-dir',
  )
  const start: StartRole = (name, args) => {
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
    options.console ?? (await startDemoHost(start, listen, certificates.hostTls))
  const storeFile = join(dataDirectory, 'portcullis.sqlite')
  await options.seed(storeFile, seedContent(secrets, target))

  const gateways = await placeGateways(options)
  const gatewayAddress = formatEndpoint(options.farmAddress ?? named(options.gatewayPort))
  const taken = gateways.map(({ port }) => port)
  const configFiles = writeConfigFiles({
    directory: join(dataDirectory, 'config'),
    farm: { name: FARM_NAME, address: gatewayAddress },
    listen,
    portalPort,
    controlPort: await findFreePort(listen, portalPort + 1, taken),
    gateways,
    certificates,
    storeFile,
    ...(target.agent === undefined ? {} : { agent: target.agent }),
    targets: { addresses: target.addresses, ports: portsOf(target) },
  })
  say('Starting broker and gateways…')
  await startParts(start, options, configFiles, {
    gateways,
    agent: target.agent,
    ca: readIfPresent(certificates.caFile) ?? '',
  })

  const url = `https://${formatEndpoint(named(portalPort))}`
  return {
    pid: process.pid,
    portalUrl: url,
    apiUrl: url,
    gatewayAddress,
    gateways: gateways.map(({ id, port }) => ({ id, address: formatEndpoint(named(port)) })),
    caFile: certificates.caFile,
    apiKey: secrets.apiKey,
    operator: { user: OPERATOR_USER, password: secrets.operatorPassword },
    tenant: { id: TENANT.id, user: TENANT_USER, password: secrets.tenantPassword },
    vms: target.agent === undefined ? [ALPHA] : [ALPHA, BRAVO],
  }
}

function named(port: number): Endpoint {
  return { host: SERVER_NAME, port }
}

/** One after the other from `gatewayPort` on; behind a balancer each has a port of its own besides. */
async function placeGateways(options: DemoOptions): Promise<GatewayPorts[]> {
  const { listen, gatewayPort, farmAddress } = options
  const gateways: GatewayPorts[] = []
  for (const [index, id] of GATEWAYS.entries()) {
    const port = gatewayPort + index
    const balanced = farmAddress !== undefined
    gateways.push({
      ...{ id, port },
      ...(balanced ? { directPort: await findFreePort(listen, 0, []) } : {}),
    })
  }
  return gateways
}

/** Broker, nodes and agent at once; all of them are ready when it resolves. */
async function startParts(
  start: StartRole,
  { listen, portalPort }: DemoOptions,
  files: ConfigFiles,
  { gateways, agent, ca }: { gateways: GatewayPorts[]; agent: AgentPlace | undefined; ca: string },
): Promise<void> {
  const until = (name: string, role: string, file: string, port: number, authority?: string) =>
    untilRoleIsReady(start(name, [role, '--config', file]), {
      ...{ address: listen, serverName: SERVER_NAME, port },
      ...(authority === undefined ? {} : { ca: authority }),
    })
  const parts = [until('broker', 'broker', files.broker, portalPort, ca)]
  for (const [index, { id, port, directPort = port }] of gateways.entries()) {
    parts.push(until(id, 'gateway', files.gateways[index] ?? '', directPort, ca))
  }
  if (agent !== undefined) {
    parts.push(until('host-agent', 'host-agent', files.agent ?? '', agent.metricsPort))
  }
  await Promise.all(parts)
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
