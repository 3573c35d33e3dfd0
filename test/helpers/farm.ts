import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createApiKey, seedStore } from '../../src/broker/index.ts'
import { Secret, systemClock } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { type ApiAnswer, callApi } from './api.ts'
import { ENTRY } from './demo.ts'
import { eventually } from './eventually.ts'
import { type Figures, scrapeMetrics } from './metrics.ts'
import { freePort } from './ports.ts'
import { type RunningProgram, START_MS, startProgram } from './programs.ts'

/** A farm as an operator makes one: certificates by `certs init`, a broker and nodes as processes. */
export interface FarmRun {
  /** Made by `certs init`. */
  certs: string
  apiUrl: string
  controlPort: number
  broker: RoleRun
  nodes: FarmNodeRun[]
  /** PEM of the authority behind the nodes' TLS certificates. */
  ca: string
  /** `host:port` of machine `web`: takes connections and says nothing. */
  target: { host: string; port: number }
  api(method: string, path: string, json?: unknown): Promise<ApiAnswer>
  /** A gateway token for machine `web`. */
  mint(): Promise<Secret>
  /** A command against this farm's API. */
  cli(...args: string[]): Promise<{ code: number | NodeJS.Signals; output: string }>
  stop(): Promise<void>
}

/** A role's process, which can die and be started again. */
export interface RoleRun {
  readonly program: RunningProgram
  /** SIGKILL: it says goodbye to nobody. */
  kill(): Promise<void>
  /** Resolves when it answers `/readyz`. */
  start(): Promise<void>
}

export interface FarmNodeRun extends RoleRun {
  name: string
  port: number
  /** Its metrics now. */
  scrape(): Promise<Figures>
}

/** What a test wants otherwise. */
export interface FarmOptions {
  /** `host:port` that clients dial; the first node's when absent. */
  address?: string
  /** The host of machine `web`, in place of the silent one. */
  target?: FarmRun['target']
  /** Listeners of a node beside its own, by its place in the list. */
  listeners?: (index: number) => object[]
  /** How often nodes look at hosts; never when absent, so that a test's host meets its clients alone. */
  probeEverySeconds?: number
  /** Where nodes may dial beside the machine's host. */
  allow?: { cidr: string; ports: number[] }[]
  /** Of the nodes, beside those that let all clients of a test have one address. */
  limits?: Record<string, number>
  /** Of the nodes; `warn` when absent. */
  logLevel?: 'info' | 'debug'
}

export async function startFarm(names: string[], options: FarmOptions = {}): Promise<FarmRun> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-farm-'))
  const cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }))
  try {
    const farm = await start(directory, names, options, cleanUp)
    return { ...farm, stop: () => cleanUp.disposeAsync() }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}

async function start(
  directory: string,
  names: string[],
  options: FarmOptions,
  cleanUp: AsyncDisposableStack,
): Promise<Omit<FarmRun, 'stop'>> {
  const certs = join(directory, 'certs')
  await finished([
    ...['certs', 'init', certs, '--farm', 'test', '--name', 'localhost', '--name', '127.0.0.1'],
    ...['--broker', 'localhost', '--broker', '127.0.0.1'],
    ...names.flatMap((name) => ['--node', name]),
  ])
  const [portalPort, controlPort, ...rest] = await portsInARow(2 + 2 * names.length)
  const nodePorts = rest.slice(0, names.length)
  const metricsPorts = rest.slice(names.length)
  const target = options.target ?? (await startSilentTarget(cleanUp))
  const key = createApiKey('test')
  const keyFile = join(directory, 'api.key')
  await writeFile(keyFile, key.reveal(), { mode: 0o600 })
  const storeFile = join(directory, 'store.sqlite')
  await seed(storeFile, key, target)

  const ca = await readFile(join(certs, 'public', 'ca.crt'), 'utf8')
  const run = async (role: string, config: string, port: number): Promise<RoleRun> => {
    const started = new RoleProcess([role, '--config', config], port, ca)
    cleanUp.defer(() => started.program.stop())
    await started.ready()
    return started
  }
  const write = async (name: string, config: object): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, stringify(config))
    return path
  }
  const pair = (holder: string, name: string) => ({
    certificateFile: join(certs, holder, `${name}.crt`),
    privateKeyFile: join(certs, holder, `${name}.key`),
  })
  const broker = await run(
    'broker',
    await write('broker.yaml', {
      name: 'localhost',
      farm: { name: 'test', address: options.address ?? `localhost:${nodePorts[0]}` },
      listen: `127.0.0.1:${portalPort}`,
      tls: pair('broker', 'tls'),
      issuer: pair('broker', 'issuer'),
      control: {
        listen: `127.0.0.1:${controlPort}`,
        tls: pair('broker', 'control'),
        caFile: join(certs, 'broker', 'control-ca.crt'),
      },
      store: { file: storeFile },
      probes: { everySeconds: options.probeEverySeconds ?? 0 },
      minting: { tenantPerMinute: 1_000_000 },
      logLevel: 'warn',
    }),
    portalPort,
  )
  const access = { apiUrl: `https://localhost:${portalPort}`, apiKey: key.reveal() }
  const caFile = join(certs, 'public', 'ca.crt')
  const nodes = await Promise.all(
    names.map(async (name, index) => {
      const port = nodePorts[index] ?? 0
      const metricsPort = metricsPorts[index] ?? 0
      const config = await write(`${name}.yaml`, {
        node: name,
        farm: { name: 'test' },
        listeners: [{ address: `127.0.0.1:${port}` }, ...(options.listeners?.(index) ?? [])],
        tls: pair(`nodes/${name}`, 'tls'),
        control: {
          broker: `localhost:${controlPort}`,
          tls: pair(`nodes/${name}`, 'control'),
          caFile: join(certs, 'nodes', name, 'control-ca.crt'),
          stateFile: join(directory, `${name}.state`),
        },
        targets: {
          allow: [{ cidr: '127.0.0.1/32', ports: [target.port] }, ...(options.allow ?? [])],
        },
        // Several nodes on one machine cannot share the default port.
        metrics: { listen: `127.0.0.1:${metricsPort}` },
        limits: {
          maxTunnelsPerAddress: 10_000,
          maxHalfOpenPerAddress: 10_000,
          maxConnectionsPerAddress: 10_000,
          ...options.limits,
        },
        logLevel: options.logLevel ?? 'warn',
      })
      const scrape = () => scrapeMetrics(metricsPort)
      return Object.assign(await run('gateway', config, port), { name, port, scrape })
    }),
  )
  const api: FarmRun['api'] = (method, path, json) =>
    callApi({ ...access, caFile }, method, path, json === undefined ? {} : { json })
  return {
    certs,
    apiUrl: access.apiUrl,
    controlPort,
    broker,
    nodes,
    ca,
    target,
    api,
    async mint() {
      const { status, body } = await api('POST', '/v1/consoles', { vm: 'web' })
      if (status !== 201) throw new Error(`POST /v1/consoles: ${status} ${body.toString('utf8')}`)
      return new Secret(JSON.parse(body.toString('utf8')).gatewayToken)
    },
    async cli(...args) {
      const options = ['--api', access.apiUrl, '--key-file', keyFile, '--ca', caFile]
      const program = startProgram(process.execPath, [ENTRY, ...args, ...options])
      return { code: await program.ended, output: program.output() }
    },
  }
}

class RoleProcess implements RoleRun {
  program: RunningProgram
  readonly #args: string[]
  readonly #port: number
  readonly #ca: string

  constructor(args: string[], port: number, ca: string) {
    this.#args = args
    this.#port = port
    this.#ca = ca
    this.program = this.#spawn()
  }

  async kill(): Promise<void> {
    this.program.child.kill('SIGKILL')
    await this.program.ended
  }

  async start(): Promise<void> {
    this.program = this.#spawn()
    await this.ready()
  }

  async ready(): Promise<void> {
    await untilReady(this.program, this.#port, this.#ca)
  }

  #spawn(): RunningProgram {
    return startProgram(process.execPath, [ENTRY, ...this.#args])
  }
}

async function finished(args: string[]): Promise<void> {
  const program = startProgram(process.execPath, [ENTRY, ...args])
  if ((await program.ended) !== 0) throw new Error(program.output())
}

async function portsInARow(count: number): Promise<[number, number, ...number[]]> {
  const first = await freePort(count)
  const rest = Array.from({ length: count - 2 }, (_, index) => first + 2 + index)
  return [first, first + 1, ...rest]
}

async function seed(file: string, key: Secret, { host, port }: FarmRun['target']): Promise<void> {
  const store = await openSqliteStore({ file })
  await seedStore(
    store,
    {
      tenants: [{ id: 'acme', name: 'Acme' }],
      hosts: [
        { id: 'hv1', kind: 'rdp', address: host, port, identify: 'ipv4', consoleAllow: true },
      ],
      vms: [{ id: 'web', name: 'Web 1', tenant: 'acme', host: 'hv1' }],
      apiKeys: [{ label: 'test', key }],
    },
    systemClock,
  )
  await store.close()
}

async function startSilentTarget(cleanUp: AsyncDisposableStack): Promise<FarmRun['target']> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the target has no port')
  return { host: '127.0.0.1', port: address.port }
}

/** Resolves when the program answers `/readyz` at this port: a node has its trust set then. */
export function untilReady(program: RunningProgram, port: number, ca: string): Promise<true> {
  return eventually('readyz', () => isReady(port, ca), {
    ...{ timeoutMs: START_MS, context: program.output },
  })
}

function isReady(port: number, ca: string): Promise<true> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: 'localhost', port, path: '/readyz', ca, agent: false },
      (answer) => {
        answer.resume()
        if (answer.statusCode === 200) resolve(true)
        else reject(new Error(`readyz: ${answer.statusCode}`))
      },
    )
    asked.once('error', reject)
    asked.end()
  })
}
