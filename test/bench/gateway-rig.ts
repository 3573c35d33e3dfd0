import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/certs/index.ts'
import { renderHaproxy } from '../../src/farm/index.ts'
import { ENTRY } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import { untilReady } from '../helpers/farm.ts'
import { accepts, freePort } from '../helpers/ports.ts'
import { findProgram, startProgram } from '../helpers/programs.ts'
import { startRedeemFarm } from '../helpers/redeem-farm.ts'
import type { Figures, Order, Route } from './gateway-load.ts'
import type { TargetPorts } from './gateway-target.ts'

export type CertificateKey = 'ec-p256' | 'rsa-2048'
/** Ports of the target behind a peer. */
export type Behind = 'echo' | 'flood' | 'sink'

/** Everything that is measured, each in a process of its own; the broker is in this one. */
export interface Rig extends AsyncDisposable {
  /** A fresh node, its control channel up; the one before ends. */
  startNode(): Promise<void>
  /** Through the node; `connections` tokens are minted for it. */
  through(kind: 'websocket' | 'http', behind: Behind, connections: number): Promise<Route>
  /** As `through`, behind HAProxy in mode `terminate`; the node's part counts. Undefined where HAProxy is not installed. */
  behindHaproxy(
    kind: 'websocket' | 'http',
    behind: Behind,
    connections: number,
  ): Promise<Route | undefined>
  /** Through HAProxy alone; undefined where it is not installed. */
  throughHaproxy(behind: Behind): Route | undefined
  /** Straight to the target's own TLS. */
  direct(): Route
  order(order: Order): Promise<Figures>
}

/** TLS 1.3 has the client choose: it offers this one alone. */
const CIPHER = 'TLS_AES_128_GCM_SHA256'
const BEHIND = ['echo', 'flood', 'sink'] as const
/** As `deploy/portcullis-gateway.service` starts a node. */
const NODE_OPTIONS = '--max-semi-space-size=8'

export async function startRig(key: CertificateKey): Promise<Rig> {
  const cleanUp = new AsyncDisposableStack()
  try {
    const directory = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
    cleanUp.defer(() => rm(directory, { recursive: true, force: true }))
    const { ca, pair } = await createTls(key)
    const file = async (name: string, text: string): Promise<string> => {
      const path = join(directory, name)
      await writeFile(path, text, { mode: 0o600 })
      return path
    }
    const target = startChild('gateway-target.ts', cleanUp)
    const ports: TargetPorts = await ask(target, pair)
    const load = startChild('gateway-load.ts', cleanUp)
    const haproxy = await startHaproxy(ports, pair, file, cleanUp)
    const farm = await startRedeemFarm(['gw1'])
    cleanUp.defer(() => farm.close())
    const node = await configureNode(directory, farm, ports, { ca, pair }, file)
    cleanUp.defer(() => node.stop())
    const balancerPort = await startBalancer(node.plainPort, pair, file, cleanUp)
    const through = async (
      port: number,
      kind: 'websocket' | 'http',
      behind: Behind,
      connections: number,
    ): Promise<Route> => {
      const dst = `127.0.0.1:${ports[behind]}`
      const tokens = await Promise.all(
        Array.from({ length: connections }, async () => (await farm.mint({ dst })).reveal()),
      )
      return { kind, port, ca, targetPort: ports[behind], tokens, pid: node.pid() }
    }
    const tlsRoute = { kind: 'tls', ca, targetPort: 0, tokens: [] } as const
    return {
      startNode: () => node.start(),
      through: (...way) => through(node.port, ...way),
      behindHaproxy: async (...way) =>
        balancerPort === undefined ? undefined : through(balancerPort, ...way),
      throughHaproxy(behind) {
        if (haproxy === undefined) return undefined
        return { ...tlsRoute, port: haproxy.ports[behind], pid: haproxy.pid, tokens: [] }
      },
      direct: () => ({ ...tlsRoute, port: ports.tlsEcho, pid: target.pid ?? 0, tokens: [] }),
      order: (order) => ask(load, order),
      [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
    }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}

async function createTls(key: CertificateKey): Promise<{ ca: string; pair: KeyPair }> {
  const common = { organization: 'Benchmark', notBefore: new Date(Date.now() - 60_000), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'benchmark authority' })
  const pair = await issueCertificate({
    ...common,
    authority,
    key,
    role: 'tls',
    commonName: 'localhost',
    names: ['localhost', '127.0.0.1'],
  })
  return { ca: authority.certificatePem, pair }
}

function startChild(file: string, cleanUp: AsyncDisposableStack): ChildProcess {
  const child = fork(join(import.meta.dirname, file), {
    execArgv: [`--tls-cipher-list=${CIPHER}`],
  })
  cleanUp.defer(() => {
    child.kill()
  })
  return child
}

/** One message there, one back; `Answer` is what our own child's file declares. */
function ask<Answer>(child: ChildProcess, message: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`process ended with ${code}`))
    child.once('exit', onExit)
    child.once('message', (answer) => {
      child.off('exit', onExit)
      resolve(answer as Answer)
    })
    child.send(message)
  })
}

type WriteFile = (name: string, text: string) => Promise<string>

async function startHaproxy(
  ports: TargetPorts,
  pair: KeyPair,
  file: WriteFile,
  cleanUp: AsyncDisposableStack,
): Promise<{ ports: Record<Behind, number>; pid: number } | undefined> {
  if (findProgram('haproxy') === undefined) return undefined
  const first = await freePort(BEHIND.length)
  const crt = await file('haproxy.pem', `${pair.certificatePem}\n${pair.privateKeyPem}`)
  const proxies = BEHIND.map(
    (behind, index) => `listen ${behind}
  bind 127.0.0.1:${first + index} ssl crt ${crt} curves X25519
  server target 127.0.0.1:${ports[behind]}`,
  )
  const config = `global
  nbthread 2
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${proxies.join('\n')}
`
  const program = startProgram('haproxy', ['-db', '-f', await file('haproxy.cfg', config)])
  cleanUp.defer(() => program.stop())
  await eventually('haproxy', () => accepts(first), {
    context: program.output,
  })
  return { ports: { echo: first, flood: first + 1, sink: first + 2 }, pid: program.pid }
}

/** As `farm render` has it; it checks the node, and waits for it. */
async function startBalancer(
  nodePort: number,
  pair: KeyPair,
  file: WriteFile,
  cleanUp: AsyncDisposableStack,
): Promise<number | undefined> {
  if (findProgram('haproxy') === undefined) return undefined
  const port = await freePort()
  const config = renderHaproxy({
    name: 'demo',
    address: `localhost:${port}`,
    mode: 'terminate',
    listen: `127.0.0.1:${port}`,
    certificateFile: await file('balancer.pem', `${pair.certificatePem}\n${pair.privateKeyPem}`),
    nodes: [{ name: 'gw1', address: `127.0.0.1:${nodePort}`, tls: false }],
  })
  const program = startProgram('haproxy', ['-db', '-f', await file('balancer.cfg', config)])
  cleanUp.defer(() => program.stop())
  await eventually('balancer', () => accepts(port), { context: program.output })
  return port
}

interface NodeProcess {
  port: number
  /** Of the listener behind the balancer. */
  plainPort: number
  pid(): number
  start(): Promise<void>
  stop(): Promise<void>
}

async function configureNode(
  directory: string,
  farm: Awaited<ReturnType<typeof startRedeemFarm>>,
  ports: TargetPorts,
  { ca, pair }: { ca: string; pair: KeyPair },
  file: WriteFile,
): Promise<NodeProcess> {
  const port = await freePort(2)
  const plainPort = port + 1
  const keyFiles = async (name: string, { certificatePem, privateKeyPem }: KeyPair) => ({
    certificateFile: await file(`${name}.crt`, certificatePem),
    privateKeyFile: await file(`${name}.key`, privateKeyPem),
  })
  const config = await file(
    'node.yaml',
    stringify({
      node: 'gw1',
      farm: { name: 'demo' },
      listeners: [
        { address: `127.0.0.1:${port}` },
        { address: `127.0.0.1:${plainPort}`, tls: false, proxy: 'required', from: ['127.0.0.1'] },
      ],
      tls: await keyFiles('tls', pair),
      control: {
        broker: `localhost:${farm.control.port}`,
        tls: await keyFiles('control', farm.nodeTls('gw1')),
        caFile: await file('control-ca.crt', farm.controlCa),
        stateFile: join(directory, 'node.state'),
      },
      targets: { allow: [{ cidr: '127.0.0.1/32', ports: BEHIND.map((name) => ports[name]) }] },
      // Every client has the same address.
      limits: {
        maxConnectionsPerAddress: 10_000,
        maxTunnelsPerAddress: 10_000,
        maxHalfOpenPerAddress: 1_000,
      },
      logLevel: 'info',
      development: true,
      // Without the PROXY header, 127.0.0.1 is the balancer and nobody to bind a token to.
      clientBinding: 'none',
    }),
  )
  let program: ReturnType<typeof startProgram> | undefined
  return {
    port,
    plainPort,
    pid: () => program?.pid ?? 0,
    async start() {
      await program?.stop()
      const started = startProgram(process.execPath, [ENTRY, 'gateway', '--config', config], {
        env: { NODE_OPTIONS },
      })
      program = started
      await untilReady(started, port, ca)
    },
    async stop() {
      await program?.stop()
    },
  }
}
