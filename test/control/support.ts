import { once } from 'node:events'
import { WebSocket } from 'ws'
import {
  controlIdentityOf,
  createDevelopmentCertificates,
  type DevelopmentCertificates,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'
import {
  type ControlClient,
  type ControlClientOptions,
  type ControlHandlers,
  type ControlLimits,
  type ControlServer,
  type ControlServerOptions,
  type ControlService,
  createControlClient,
  createControlServer,
  type Peer,
  type Push,
} from '../../src/control/index.ts'
import {
  createLog,
  type Endpoint,
  type LogFields,
  systemClock,
  withDeadline,
} from '../../src/lib/index.ts'

/** Every wait of a test; long beside what is waited for, since the machine may be busy. */
export const WITHIN_MS = 15_000

let own: Promise<DevelopmentCertificates> | undefined
let foreign: Promise<DevelopmentCertificates> | undefined

const makeSet = (): Promise<DevelopmentCertificates> =>
  createDevelopmentCertificates({
    farmName: 'testfarm',
    names: ['localhost', '127.0.0.1'],
    gateways: ['gw1', 'gw2'],
    now: new Date(),
  })

export function certificates(): Promise<DevelopmentCertificates> {
  own ??= makeSet()
  return own
}

/** The same names, signed by another authority. */
export function foreignCertificates(): Promise<DevelopmentCertificates> {
  foreign ??= makeSet()
  return foreign
}

export const identify = (der: Uint8Array): Peer | undefined =>
  controlIdentityOf(readCertificate(der))

export function collectLog() {
  const lines: LogFields[] = []
  const log = createLog({
    level: 'debug',
    stream: { write: (line: string) => void lines.push(JSON.parse(line)) },
  })
  return { log, lines, logged: (event: string) => lines.filter((line) => line.event === event) }
}

export interface Call {
  method: string
  peer: Peer
  input: unknown
}

/** A broker that writes down what it is asked and says yes; `change` replaces methods. */
export function createTestService(change: Partial<ControlService> = {}) {
  const calls: Call[] = []
  const listeners = new Set<(message: Push) => void>()
  const note = async (method: string, peer: Peer, input?: unknown): Promise<void> => {
    calls.push({ method, peer, input })
  }
  const service: ControlService = {
    name: 'broker',
    trustSet: async () => ({ version: 1, asOf: 1000, issuers: [] }),
    revocations: async () => ({ version: 1, items: [] }),
    versions: async () => ({ trust: 1, revocations: 1 }),
    drain: async () => undefined,
    joined: (peer, about) => note('joined', peer, about),
    probed: (peer, result) => note('probed', peer, result),
    redeem: async (peer, request) => {
      await note('redeem', peer, request)
      return { ok: true }
    },
    release: (peer, tunnel, reason) => note('release', peer, { tunnel, reason }),
    heartbeat: (peer, beat) => note('heartbeat', peer, beat),
    applied: (peer, what, version) => note('applied', peer, { what, version }),
    event: (peer, event) => note('event', peer, event),
    left: (peer) => note('left', peer),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    ...change,
  }
  return {
    service,
    calls,
    called: (method: string) => calls.filter((call) => call.method === method),
    push: (message: Push) => {
      for (const listener of listeners) listener(message)
    },
  }
}

/** What a test has started; `close` ends it. */
export const running: { close(): unknown }[] = []

export async function closeAll(): Promise<void> {
  for (const part of running.splice(0).reverse()) await part.close()
}

export interface TestServer {
  server: ControlServer
  endpoint: Endpoint
  log: ReturnType<typeof collectLog>
  broker: ReturnType<typeof createTestService>
}

export async function startServer(
  options: Partial<ControlServerOptions> & { change?: Partial<ControlService> } = {},
): Promise<TestServer> {
  const { brokerControl, controlAuthority } = await certificates()
  const log = collectLog()
  const broker = createTestService(options.change)
  const server = createControlServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls: brokerControl,
    ca: controlAuthority.certificatePem,
    identify,
    service: broker.service,
    clock: systemClock,
    log: log.log,
    ...options,
  })
  const endpoint = await server.listen()
  running.push(server)
  return { server, endpoint, log, broker }
}

export interface TestHandlers extends ControlHandlers {
  received: { method: string; input: unknown }[]
  got(method: string): unknown[]
  applied: { trust: number; revocations: number }
}

export function createTestHandlers(change: Partial<ControlHandlers> = {}): TestHandlers {
  const received: TestHandlers['received'] = []
  const applied = { trust: 0, revocations: 0 }
  const note = (method: string, input?: unknown): void => void received.push({ method, input })
  return {
    received,
    applied,
    got: (method) => received.filter((call) => call.method === method).map(({ input }) => input),
    versions: () => ({ ...applied }),
    applyTrust: (set) => {
      applied.trust = set.version
      note('applyTrust', set)
    },
    applyRevocations: (set) => {
      applied.revocations = set.version
      note('applyRevocations', set)
    },
    confirm: (current, clockOffsetMs) => {
      note('confirm', current)
      note('clock', clockOffsetMs)
    },
    kill: (message) => note('kill', message),
    drain: (order) => note('drain', order),
    status: () => undefined,
    message: (message) => note('message', message),
    tunnels: () => [],
    connected: () => note('connected'),
    ...change,
  }
}

/** Limits that make a test short; the ones not under test stay long. */
export const QUICK: Partial<ControlLimits> = {
  redialMs: 10,
  maxRedialMs: 50,
  closeMs: 200,
  redeemMs: WITHIN_MS,
}

export async function startClient(
  broker: Endpoint,
  options: Partial<ControlClientOptions> & { pair?: KeyPair } = {},
): Promise<{ client: ControlClient; handlers: TestHandlers; log: ReturnType<typeof collectLog> }> {
  const { gatewayControl, controlAuthority } = await certificates()
  const log = collectLog()
  const handlers = createTestHandlers(options.handlers)
  const client = createControlClient({
    broker,
    tls: options.pair ?? pairOf(gatewayControl, 'gw1'),
    ca: controlAuthority.certificatePem,
    identify,
    software: '0.0.0-test',
    clock: systemClock,
    log: log.log,
    limits: QUICK,
    ...options,
    handlers,
  })
  running.push(client)
  client.start()
  return { client, handlers, log }
}

export function pairOf(pairs: Record<string, KeyPair>, name: string): KeyPair {
  const pair = pairs[name]
  if (pair === undefined) throw new TypeError(`no certificate for ${name}`)
  return pair
}

/** A peer that sends what the test wants, with a right certificate unless told otherwise. */
export class RawPeer {
  readonly messages: { type: string; [field: string]: unknown }[] = []
  readonly socket: WebSocket
  readonly #closed: Promise<unknown[]>

  static async open(endpoint: Endpoint, pair?: KeyPair, path = '/control'): Promise<RawPeer> {
    const { gatewayControl, controlAuthority } = await certificates()
    const { certificatePem, privateKeyPem } = pair ?? pairOf(gatewayControl, 'gw1')
    const socket = new WebSocket(`wss://${endpoint.host}:${endpoint.port}${path}`, {
      ca: controlAuthority.certificatePem,
      cert: certificatePem,
      key: privateKeyPem,
      perMessageDeflate: false,
    })
    const peer = new RawPeer(socket)
    await withDeadline(once(socket, 'open'), WITHIN_MS, 'open')
    return peer
  }

  private constructor(socket: WebSocket) {
    this.socket = socket
    this.#closed = once(socket, 'close')
    this.#closed.catch(() => {})
    socket.on('error', () => {})
    socket.on('message', (data) => this.messages.push(JSON.parse(String(data))))
    running.push({ close: () => socket.terminate() })
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  hello(protocols: unknown = [1]): void {
    this.send({ type: 'hello', protocols, software: 'test' })
  }

  /** The close code that the broker gives. */
  async closed(): Promise<unknown> {
    const [code] = await withDeadline(this.#closed, WITHIN_MS, 'close')
    return code
  }
}
