import type { Command } from 'commander'
import { assertDevelopmentAllowed, type GatewayConfig, loadGatewayConfig } from '../config/index.ts'
import type { ControlLimits } from '../control/index.ts'
import {
  createGateway,
  createGatewayMetrics,
  type Gateway,
  type GatewayObserver,
  type LabOptions,
  type Limits,
  type WriteTrace,
} from '../gateway/index.ts'
import {
  type Clock,
  createLog,
  type Endpoint,
  type Log,
  Metrics,
  systemClock,
} from '../lib/index.ts'
import { createMemoryLedger } from '../tokens/index.ts'
import { openControlCertificate } from './control-peer.ts'
import { watchExpiry } from './expiry-watch.ts'
import { openAgentSecurity, openLabTrust, openNodeTls, openNodeTrust } from './gateway-files.ts'
import { watchGatewayFiles } from './gateway-reload.ts'
import { startMetricsServer } from './metrics-server.ts'
import { openNodeControl } from './node-control.ts'
import { say } from './output.ts'
import { openTrace } from './packet-trace.ts'
import { closeOnSignal } from './shutdown.ts'

/** A run presents a few hundred, and each is remembered for minutes. */
const MAX_LAB_TOKENS = 4_096
const DEFAULT_METRICS: Endpoint = { host: '127.0.0.1', port: 9464 }

export function register(program: Command): void {
  program
    .command('gateway')
    .description('one gateway node: checks console tokens and tunnels to the hypervisor hosts')
    .requiredOption('--config <file>', 'YAML file; portcullis config check explains it')
    .option(
      '--trace <file>',
      "writes down one tunnel's packets; needs `development: true` in the file",
    )
    .addHelpText('after', '\nExample:\n  portcullis gateway --config /etc/portcullis/gateway.yaml')
    .action(runGateway)
}

async function runGateway(options: { config: string; trace?: string }): Promise<void> {
  const config = loadGatewayConfig(options.config)
  const trace = options.trace === undefined ? undefined : openTrace(options.trace, config)
  const log = createLog({ level: config.logLevel, fields: { role: 'gateway' } })
  const metrics = new Metrics()
  const { observer, watch } = createGatewayMetrics(metrics, systemClock)
  const gateway = openGateway({
    config,
    clock: systemClock,
    log,
    observer,
    ...(trace === undefined ? {} : { trace }),
  })
  // The end of a laboratory's issuer is meant: nobody has to act.
  const { lab: _, ...watched } = config
  const expiry = watchExpiry({ config: watched, clock: systemClock, log })
  metrics.watchProcess()
  metrics.certificates(expiry.ends)
  watch(gateway)
  const address = metricsAddress(config)
  const server = address && (await startMetricsServer(address, metrics))
  const files = watchGatewayFiles({
    configFile: options.config,
    config,
    gateway,
    clock: systemClock,
    log,
    onApplied: expiry.look,
  })
  closeOnSignal(async () => {
    expiry.close()
    files.close()
    await gateway.close()
    await server?.close()
  })
  const listening = await gateway.listen().catch(async (error: unknown) => {
    // An open listener would keep the process alive.
    await server?.close()
    throw error
  })
  say(`gateway ${config.node} listens on ${listening.map(({ address }) => address).join(', ')}`)
}

/** In development several nodes share a machine: there none asks for the port by itself. */
export function metricsAddress({ metrics, development }: GatewayConfig): Endpoint | undefined {
  const { listen = development ? 'off' : DEFAULT_METRICS } = metrics
  return listen === 'off' ? undefined : listen
}

export interface OpenGatewayOptions {
  config: GatewayConfig
  clock: Clock
  log: Log
  observer?: GatewayObserver
  trace?: WriteTrace
  /** Beyond what a configuration can say. */
  limits?: Partial<Limits>
  controlLimits?: Partial<ControlLimits>
}

/**
 * A node as its configuration says, not listening yet.
 *
 * @throws ConfigError for a thumbprint of another certificate, a development certificate that is not allowed,
 *   a control certificate of another node or authority
 * @throws BrokerError `ERR_CERTIFICATE`, `ERR_USAGE`
 */
export function openGateway(options: OpenGatewayOptions): Gateway {
  const { config, clock, log, observer, trace, controlLimits = {} } = options
  const { pair: tls } = openNodeTls(config)
  const trust = openNodeTrust(config, clock.now())
  const agents = openAgentSecurity(config)
  const control = openNodeControl({ config, clock, log, limits: controlLimits })
  const development = openControlCertificate(config)?.development ?? false
  assertDevelopmentAllowed(config, [{ path: 'control.tls.certificateFile', development }])
  const { node, farm, listeners, targets, clientBinding, leewaySeconds, limits, fedauth } = config
  const { consentText } = config
  const { whenBrokerAway, ...redeemRule } = config.redeem
  return createGateway({
    node,
    farmName: farm.name,
    listeners,
    tls,
    trust,
    ledger: createMemoryLedger({ clock, clientBinding, ...redeemRule }),
    ...(control === undefined ? {} : { control }),
    targets: {
      ...targets,
      brokers: config.control === undefined ? [] : [config.control.broker.host],
    },
    ...(agents === undefined ? {} : { agents }),
    clientBinding,
    ...(fedauth.accept ? { fedAuthHosts: fedauth.hosts } : {}),
    ...labOptions(options, redeemRule),
    ...(consentText === undefined ? {} : { consentText }),
    leewaySeconds,
    clock,
    log,
    ...(observer === undefined ? {} : { observer }),
    ...(trace === undefined ? {} : { trace }),
    limits: { ...limits, ...options.limits },
  })
}

/** Nothing for a node whose file names no laboratory. */
function labOptions(
  { config, clock }: OpenGatewayOptions,
  redeemRule: Omit<GatewayConfig['redeem'], 'whenBrokerAway'>,
): { lab?: LabOptions } {
  const { lab, clientBinding } = config
  if (lab === undefined) return {}
  const maxTokens = MAX_LAB_TOKENS
  return {
    lab: {
      trust: openLabTrust(config, clock.now()),
      echoHost: lab.echoHost,
      ledger: createMemoryLedger({ clock, clientBinding, maxTokens, ...redeemRule }),
    },
  }
}
