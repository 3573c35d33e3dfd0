import type { Command } from 'commander'
import {
  assertDevelopmentAllowed,
  type HostAgentConfig,
  loadHostAgentConfig,
} from '../config/index.ts'
import type { ControlLimits } from '../control/index.ts'
import {
  type AgentObserver,
  createAgentMetrics,
  createHostAgent,
  createStaticConsoles,
  createVirshConsoles,
  type HostAgent,
} from '../host-agent/index.ts'
import {
  type Clock,
  createLog,
  type Endpoint,
  formatEndpoint,
  type Log,
  Metrics,
  systemClock,
} from '../lib/index.ts'
import { createMemoryLedger } from '../tokens/index.ts'
import { openControlCertificate } from './control-peer.ts'
import { watchExpiry } from './expiry-watch.ts'
import { openNodeTrust } from './gateway-files.ts'
import { openAgentTls, watchAgentFiles } from './host-agent-reload.ts'
import { startMetricsServer } from './metrics-server.ts'
import { openNodeControl } from './node-control.ts'
import { say } from './output.ts'
import { closeOnSignal } from './shutdown.ts'

const DEFAULT_METRICS: Endpoint = { host: '127.0.0.1', port: 9465 }

export function register(program: Command): void {
  program
    .command('host-agent')
    .description('the verifying front of a hypervisor host: checks host tokens, connects consoles')
    .requiredOption('--config <file>', 'YAML file; portcullis config check explains it')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis host-agent --config /etc/portcullis/host-agent.yaml',
    )
    .action(runHostAgent)
}

async function runHostAgent(options: { config: string }): Promise<void> {
  const config = loadHostAgentConfig(options.config)
  const log = createLog({ level: config.logLevel, fields: { role: 'host-agent' } })
  const metrics = new Metrics()
  const { observer, watch } = createAgentMetrics(metrics, systemClock)
  const agent = openHostAgent({ config, clock: systemClock, log, observer })
  const expiry = watchExpiry({ config, clock: systemClock, log })
  metrics.watchProcess()
  metrics.certificates(expiry.ends)
  watch(agent)
  const address = metricsAddress(config)
  const server =
    address && (await startMetricsServer(address, metrics, { ready: () => agent.figures().ready }))
  const files = watchAgentFiles({
    configFile: options.config,
    config,
    agent,
    clock: systemClock,
    log,
    onApplied: expiry.look,
  })
  closeOnSignal(async () => {
    expiry.close()
    files.close()
    await agent.close()
    await server?.close()
  })
  const listening = await agent.listen().catch(async (error: unknown) => {
    // An open listener would keep the process alive.
    await server?.close()
    throw error
  })
  say(`host agent ${config.agent} listens on ${formatEndpoint(listening)}`)
}

/** In development several roles share a machine: there none asks for the port by itself. */
export function metricsAddress({ metrics, development }: HostAgentConfig): Endpoint | undefined {
  const { listen = development ? 'off' : DEFAULT_METRICS } = metrics
  return listen === 'off' ? undefined : listen
}

export interface OpenHostAgentOptions {
  config: HostAgentConfig
  clock: Clock
  log: Log
  observer?: AgentObserver
  /** Beyond what a configuration can say. */
  controlLimits?: Partial<ControlLimits>
}

/**
 * An agent as its configuration says, not listening yet.
 *
 * @throws ConfigError for a thumbprint of another certificate, a development certificate that is not allowed,
 *   a control certificate of another agent or authority
 * @throws BrokerError `ERR_CERTIFICATE`, `ERR_USAGE`
 */
export function openHostAgent(options: OpenHostAgentOptions): HostAgent {
  const { config, clock, log, observer, controlLimits = {} } = options
  const security = openAgentTls(config)
  const control = openNodeControl({ config, clock, log, limits: controlLimits })
  const development = openControlCertificate(config)?.development ?? false
  assertDevelopmentAllowed(config, [{ path: 'control.tls.certificateFile', development }])
  const { agent, host, listen, consoles, clientBinding, leewaySeconds, limits } = config
  const { whenBrokerAway, ...redeemRule } = config.redeem
  return createHostAgent({
    ...{ agent, host, listen, security, leewaySeconds, clock, log, limits },
    trust: openNodeTrust(config, clock.now(), 'host'),
    ledger: createMemoryLedger({ clock, clientBinding, ...redeemRule }),
    ...(control === undefined ? {} : { control }),
    consoles:
      consoles.kind === 'virsh'
        ? createVirshConsoles(consoles)
        : createStaticConsoles(consoles.places),
    ...(observer === undefined ? {} : { observer }),
  })
}
