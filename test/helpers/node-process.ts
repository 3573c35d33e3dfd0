import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import type { LogFields } from '../../src/lib/index.ts'
import { ENTRY } from './demo.ts'
import { eventually } from './eventually.ts'
import { type Figures, scrapeMetrics } from './metrics.ts'
import { freePort } from './ports.ts'
import { followLines, type RunningProgram, START_MS, startProgram } from './programs.ts'
import type { RedeemFarm } from './redeem-farm.ts'

export interface NodeProcessOptions {
  farm: RedeemFarm
  /** One of the farm's. */
  name: string
  /** Where it may dial. */
  allow: { cidr: string; ports: number[] }[]
  /** Lets the tokens of this issuer in, towards one host. */
  lab?: { certificatePem: string; echoHost: string }
}

/** A node of a farm as a process of its own, and what it tells of itself. */
export interface NodeProcess {
  program: RunningProgram
  port: number
  /** Every line that it has logged, those of level `debug` as well. */
  readonly log: readonly LogFields[]
  /** Its metrics now. */
  scrape(): Promise<Figures>
  stop(): Promise<void>
}

export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-node-'))
  const [port, metricsPort] = [await freePort(), await freePort()]
  const config = await writeConfig(directory, port, metricsPort, options)
  const program = startProgram(process.execPath, [ENTRY, 'gateway', '--config', config])
  const log: LogFields[] = []
  followLines(program, (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line))
  })
  const stop = async (): Promise<void> => {
    await program.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    // It listens before it has the broker's trust set.
    const isReady = () =>
      log.some(({ event, state }) => event === 'node.state' && state === 'ready')
    await eventually('node', isReady, {
      ...{ timeoutMs: START_MS, context: program.output },
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { program, port, log, scrape: () => scrapeMetrics(metricsPort), stop }
}

async function writeConfig(
  directory: string,
  port: number,
  metricsPort: number,
  { farm, name, allow, lab }: NodeProcessOptions,
): Promise<string> {
  const file = async (of: string, text: string): Promise<string> => {
    const path = join(directory, of)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const pair = async (of: string, { certificatePem, privateKeyPem }: KeyPair) => ({
    certificateFile: await file(`${of}.crt`, certificatePem),
    privateKeyFile: await file(`${of}.key`, privateKeyPem),
  })
  return file(
    'node.yaml',
    stringify({
      node: name,
      farm: { name: 'demo' },
      listeners: [{ address: `127.0.0.1:${port}` }],
      tls: await pair('tls', farm.gatewayTls(name)),
      control: {
        broker: `localhost:${farm.control.port}`,
        tls: await pair('control', farm.nodeTls(name)),
        caFile: await file('control-ca.crt', farm.controlCa),
      },
      targets: { allow },
      ...(lab === undefined
        ? {}
        : {
            lab: {
              issuer: {
                certificateFile: await file('lab.crt', lab.certificatePem),
                thumbprint: readCertificate(lab.certificatePem).sha256Thumbprint,
              },
              echoHost: lab.echoHost,
            },
          }),
      metrics: { listen: `127.0.0.1:${metricsPort}` },
      // Every client of a test has the same address.
      limits: { maxTunnelsPerAddress: 10_000, maxHalfOpenPerAddress: 1_000 },
      logLevel: 'debug',
      development: true,
    }),
  )
}
