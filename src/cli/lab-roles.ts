import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { z } from 'zod'
import { createApiKey, seedStore } from '../broker/index.ts'
import type { KeyPair } from '../certs/index.ts'
import { loadBrokerConfig, loadGatewayConfig, loadHostAgentConfig } from '../config/index.ts'
import type {
  LabAgentOptions,
  LabBroker,
  LabBrokerOptions,
  LabNodeOptions,
  LabRoles,
  LabVerifier,
} from '../lab/index.ts'
import { BrokerError, type Endpoint, formatEndpoint, parseEndpoint } from '../lib/index.ts'
import { openSqliteStore } from '../store/index.ts'
import { callApi } from './api-client.ts'
import { startBroker } from './broker.ts'
import { openGateway } from './gateway.ts'
import { openHostAgent } from './host-agent.ts'

/** A configuration can't ask for any free port: this one is put into its place. */
const ANY_PORT: Endpoint = { host: '127.0.0.1', port: 0 }
const SOME_PORT = '127.0.0.1:443'
/** Often, so that nobody waits for them. */
const HEARTBEAT_MS = 100
/** The longest that a configuration allows: its trust is not what the agent is here for. */
const MAX_TRUST_AGE_HOURS = 720
const PACE = { heartbeatMs: HEARTBEAT_MS, redialMs: HEARTBEAT_MS, maxRedialMs: HEARTBEAT_MS }

/**
 * The roles as their commands start them, from configuration files; only the clock, the ports and the pace
 * are the lab's.
 *
 * @param directory private and empty; for keys, configurations and the store
 */
export function createLabRoles(directory: string): LabRoles {
  const write = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const files = (name: string, { certificatePem, privateKeyPem }: KeyPair) => ({
    certificateFile: write(`${name}.crt`, certificatePem),
    privateKeyFile: write(`${name}.key`, privateKeyPem),
  })
  return {
    startBroker: (options) => startLabBroker(options, { directory, write, files }),
    startNode: (options) => startLabNode(options, { directory, write, files }),
    startAgent: (options) => startLabAgent(options, { directory, write, files }),
  }
}

interface Files {
  directory: string
  /** @returns the path */
  write(name: string, text: string): string
  files(name: string, pair: KeyPair): { certificateFile: string; privateKeyFile: string }
}

async function startLabBroker(
  { farmName, tls, ca, issuer, control, clock, log }: LabBrokerOptions,
  { directory, write, files }: Files,
): Promise<LabBroker> {
  const store = { file: join(directory, 'store.sqlite') }
  const config = loadBrokerConfig(
    write(
      'broker.yaml',
      stringify({
        farm: { name: farmName, address: SOME_PORT },
        listen: SOME_PORT,
        tls: files('broker', tls),
        issuer: files('issuer', issuer),
        control: {
          listen: SOME_PORT,
          tls: files('broker-control', control.tls),
          caFile: write('control-ca.crt', control.ca),
        },
        store,
        portal: false,
        development: true,
      }),
    ),
  )
  const key = createApiKey('lab')
  const seeding = await openSqliteStore(store)
  await seedStore(seeding, { apiKeys: [{ label: 'lab', key }] }, clock)
  await seeding.close()
  const broker = await startBroker({
    config: {
      ...config,
      listen: ANY_PORT,
      ...(config.control === undefined ? {} : { control: { ...config.control, listen: ANY_PORT } }),
    },
    clock,
    log,
  })
  if (broker.controlAddress === undefined) throw new TypeError('the broker has no control channel')
  const url = new URL(`https://${formatEndpoint(broker.address)}`)
  return {
    control: broker.controlAddress,
    api: (method, path, body) =>
      callApi({ url, key, ca }, method, path, { body, answer: z.unknown() }),
    addIssuer(pair) {
      files('next', pair)
      return { certificateFile: 'next.crt', privateKeyFile: 'next.key' }
    },
    close: () => broker.close(),
  }
}

async function startLabNode(
  options: LabNodeOptions,
  { write, files }: Files,
): Promise<LabVerifier> {
  const { name, farmName, tls, control, targetPorts, clock, log } = options
  const { whenBrokerAway, maxTrustAgeHours, idleMinuteMs, sessionSecondMs } = options
  const config = loadGatewayConfig(
    write(
      `${name}.yaml`,
      stringify({
        node: name,
        farm: { name: farmName },
        listeners: [{ address: SOME_PORT }],
        tls: files(name, tls),
        control: {
          broker: formatEndpoint(control.broker),
          tls: files(`${name}-control`, control.tls),
          caFile: write(`${name}-control-ca.crt`, control.ca),
          maxTrustAgeHours,
        },
        targets: { allow: [{ cidr: '127.0.0.1/32', ports: targetPorts }] },
        redeem: { whenBrokerAway },
        development: true,
      }),
    ),
  )
  const gateway = openGateway({
    config: { ...config, listeners: config.listeners.map((to) => ({ ...to, address: ANY_PORT })) },
    clock,
    log,
    limits: { idleMinuteMs, sessionSecondMs },
    controlLimits: PACE,
  })
  const [listening] = await gateway.listen()
  const address = parseEndpoint(listening?.address ?? '')
  if (address === undefined) throw new BrokerError('ERR_START', `${name}: listens nowhere`)
  return { address, figures: () => gateway.figures(), close: () => gateway.close() }
}

async function startLabAgent(
  { name, control, consoles, clock, log }: LabAgentOptions,
  { write, files }: Files,
): Promise<LabVerifier> {
  const config = loadHostAgentConfig(
    write(
      `${name}.yaml`,
      stringify({
        agent: name,
        host: name,
        listen: SOME_PORT,
        control: {
          broker: formatEndpoint(control.broker),
          tls: files(`${name}-control`, control.tls),
          caFile: write(`${name}-control-ca.crt`, control.ca),
          maxTrustAgeHours: MAX_TRUST_AGE_HOURS,
        },
        consoles: Object.fromEntries(
          Object.entries(consoles).map(([guid, port]) => [guid, `127.0.0.1:${port}`]),
        ),
        development: true,
      }),
    ),
  )
  const agent = openHostAgent({
    config: { ...config, listen: ANY_PORT },
    clock,
    log,
    controlLimits: PACE,
  })
  const address = await agent.listen()
  return { address, figures: () => agent.figures(), close: () => agent.close() }
}
