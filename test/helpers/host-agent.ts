import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { stringify } from 'yaml'
import type { LogFields } from '../../src/lib/index.ts'
import { encodeProxyV2 } from '../../src/protocol/index.ts'
import { ENTRY } from './demo.ts'
import { eventually } from './eventually.ts'
import type { FarmRun } from './farm.ts'
import { accepts, freePort } from './ports.ts'
import { followLines, type RunningProgram, runProgram, START_MS, startProgram } from './programs.ts'

export interface HostAgentRun {
  readonly program: RunningProgram
  port: number
  /** Its control certificate and key: the path without `.crt` and `.key`. */
  control: string
  /** Every line that it has logged, over all its runs. */
  readonly log: readonly LogFields[]
  /** Status of a check on the address of its metrics. */
  check(path: '/healthz' | '/readyz' | '/metrics'): Promise<{ status: number; text: string }>
  /** SIGKILL, and the same again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface HostAgentRunOptions {
  farm: FarmRun
  /** Its name, and the host's id. */
  host: string
  port: number
  consoles: Record<string, string | object>
}

/** The agent of one host as a process of its own, with a certificate of the farm's control CA. */
export async function startHostAgent(options: HostAgentRunOptions): Promise<HostAgentRun> {
  const { farm, host, port, consoles } = options
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-agent-'))
  const control = join(directory, 'control')
  const metricsPort = await freePort()
  await runProgram(process.execPath, [
    ...[ENTRY, 'certs', 'issue', '--role', 'agent', '--from', farm.certs],
    ...['--name', host, '--name', '127.0.0.1', '--out', control],
  ])
  const config = join(directory, 'host-agent.yaml')
  await writeFile(
    config,
    stringify({
      ...{ agent: host, host, consoles },
      listen: `127.0.0.1:${port}`,
      control: {
        broker: `localhost:${farm.controlPort}`,
        tls: { certificateFile: 'control.crt', privateKeyFile: 'control.key' },
        caFile: join(farm.certs, 'authority', 'control-ca.crt'),
        stateFile: 'agent.state',
      },
      metrics: { listen: `127.0.0.1:${metricsPort}` },
    }),
  )
  const log: LogFields[] = []
  const start = (): RunningProgram => {
    const program = startProgram(process.execPath, [ENTRY, 'host-agent', '--config', config])
    followLines(program, (line) => {
      if (line.startsWith('{')) log.push(JSON.parse(line))
    })
    return program
  }
  let program = start()
  const check: HostAgentRun['check'] = async (path) => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}${path}`)
    return { status: answer.status, text: await answer.text() }
  }
  const ready = () =>
    eventually(
      'host agent is ready',
      async () => (await accepts(port)) && (await check('/readyz')).status === 200,
      { timeoutMs: START_MS, context: () => program.output() },
    )
  const stop = async (): Promise<void> => {
    await program.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await ready()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get program() {
      return program
    },
    ...{ port, control, log, check, stop },
    async restart() {
      program.child.kill('SIGKILL')
      await program.ended
      program = start()
      await ready()
    },
  }
}

export interface NodeDouble {
  port: number
  stop(): void
}

/**
 * What a node is to an agent, with all of a node's own checks off: it takes every connection, shows the agent
 * the node's certificate, says which client it is, and pipes.
 */
export async function startNodeDouble(
  farm: FarmRun,
  agent: { port: number },
  clientAddress: string,
): Promise<NodeDouble> {
  const [node = ''] = farm.nodes.map(({ name }) => name)
  const read = (name: string) => readFile(join(farm.certs, 'nodes', node, name))
  const [cert, key, ca] = [
    await read('control.crt'),
    await read('control.key'),
    await read('control-ca.crt'),
  ]
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const { port } = agent
    const host = connectTls({ host: '127.0.0.1', port, cert, key, ca, servername: 'hv1' })
    for (const socket of [client, host]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    const source = { address: clientAddress, port: 40_000 }
    host.write(encodeProxyV2({ source, destination: { address: '192.0.2.1', port: 443 } }))
    client.pipe(host).pipe(client)
    client.on('close', () => host.destroy())
    host.on('close', () => client.destroySoon())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
