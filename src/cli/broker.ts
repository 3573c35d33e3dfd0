import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { createBroker, type IssuerFiles } from '../broker/index.ts'
import { type Certificate, checkPair } from '../certs/index.ts'
import { assertDevelopmentAllowed, type BrokerConfig, loadBrokerConfig } from '../config/index.ts'
import {
  type Clock,
  createLog,
  type Endpoint,
  formatEndpoint,
  type Log,
  Metrics,
  systemClock,
} from '../lib/index.ts'
import { createPortal } from '../portal/index.ts'
import { createPublisher, type Publisher } from '../rdpfile/index.ts'
import { openSqliteStore } from '../store/index.ts'
import { createIssuer, type Issuer } from '../tokens/index.ts'
import { startBrokerControl } from './broker-control.ts'
import { openControlCertificate } from './control-peer.ts'
import { watchExpiry } from './expiry-watch.ts'
import { startHttpsServer } from './https-server.ts'
import { say } from './output.ts'
import { readPair } from './role-files.ts'
import { closeOnSignal } from './shutdown.ts'

export function register(program: Command): void {
  program
    .command('broker')
    .description('token service and portal: signs console tokens, hands over .rdp files')
    .requiredOption('--config <file>', 'YAML file; portcullis config check explains it')
    .addHelpText('after', '\nExample:\n  portcullis broker --config /etc/portcullis/broker.yaml')
    .action(runBroker)
}

async function runBroker(options: { config: string }): Promise<void> {
  const config = loadBrokerConfig(options.config)
  const log = createLog({ level: config.logLevel, fields: { role: 'broker', broker: config.name } })
  const metrics = new Metrics()
  const broker = await startBroker({ config, clock: systemClock, log, metrics })
  const { log: followed, signing } = broker
  const others = () => [{ name: 'issuer', certificate: signing() }]
  const expiry = watchExpiry({ config, clock: systemClock, log: followed, others })
  metrics.watchProcess()
  metrics.certificates(expiry.ends)
  closeOnSignal(() => {
    expiry.close()
    return broker.close()
  })
  const address = formatEndpoint(broker.address)
  const control = broker.controlAddress && formatEndpoint(broker.controlAddress)
  log.info('broker.listening', { address, control })
  say(`broker ${config.name} listens on ${address}`)
}

export interface RunningBroker {
  address: Endpoint
  /** Where nodes dial in; absent without `control`. */
  controlAddress?: Endpoint
  /** Its log, whose lines go to who follows its events as well. */
  log: Log
  /** Certificate of the issuer that signs now. */
  signing(): Certificate
  close(): Promise<void>
}

export interface StartBrokerOptions {
  config: BrokerConfig
  clock: Clock
  log: Log
  metrics?: Metrics
}

/**
 * Joins store, issuer, API, portal and server as the configuration says.
 *
 * @throws ConfigError for a development certificate that is not allowed, a control certificate of another broker or authority
 * @throws BrokerError `ERR_CERTIFICATE`, `ERR_STORE`, `ERR_START`
 */
export async function startBroker({
  config,
  clock,
  log,
  metrics,
}: StartBrokerOptions): Promise<RunningBroker> {
  const { farm, tokens, name, listen, development } = config
  const tls = readPair(config.tls, 'tls')
  const issuer = await createIssuer(readPair(config.issuer, 'issuer'))
  const publisher = openPublisher(config, log)
  assertDevelopmentAllowed(config, [
    {
      path: 'tls.certificateFile',
      development: checkPair(tls, 'tls').certificate.development,
    },
    { path: 'issuer.certificateFile', development: issuer.certificate.development },
    {
      path: 'control.tls.certificateFile',
      development: openControlCertificate(config)?.development ?? false,
    },
    {
      path: 'publisher.certificateFile',
      development: publisher?.certificate.development ?? false,
    },
  ])
  const store = await openSqliteStore(config.store)
  const { clientBinding, leewaySeconds, minting, probes, redeem } = config
  const broker = await createBroker({
    store,
    issuer,
    ...(publisher === undefined ? {} : { publisher }),
    loadIssuer: (files) => loadIssuer(config, files),
    name,
    farm,
    clock,
    log,
    ...(metrics === undefined ? {} : { metrics }),
    development,
    clientBinding,
    leewaySeconds,
    minting,
    redeem,
    auditKeepDays: config.audit.keepDays,
    probeEverySeconds: probes.everySeconds,
    lifetime: {
      default: tokens.lifetimeSeconds,
      min: tokens.minLifetimeSeconds,
      max: tokens.maxLifetimeSeconds,
    },
  })
  if (config.portal) {
    broker.app.use(createPortal({ services: broker.services, clock, log: broker.log }))
  }
  // Closed in the opposite order: nobody asks any more when the store goes.
  const parts = new AsyncDisposableStack()
  parts.defer(() => store.close())
  parts.defer(() => broker.close())
  try {
    const { control: service } = broker
    const control =
      config.control && (await startBrokerControl({ control: config.control, service, clock, log }))
    if (control !== undefined) parts.defer(() => control.server.close())
    const server = await startHttpsServer({ ...tls, listen, handler: broker.app.callback() })
    parts.defer(() => server.close())
    return {
      address: server.address,
      log: broker.log,
      signing: broker.signing,
      ...(control === undefined ? {} : { controlAddress: control.address }),
      close: () => parts.disposeAsync(),
    }
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}

/** @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE` */
function openPublisher({ publisher: files }: BrokerConfig, log: Log): Publisher | undefined {
  if (files === undefined) {
    log.warn('publisher.absent', { error: 'files go out unsigned: Windows warns of them' })
    return undefined
  }
  const publisher = createPublisher(readPair(files, 'publisher'))
  const { subject, sha1Thumbprint } = publisher.certificate
  log.info('publisher.loaded', { subject, sha1Thumbprint })
  return publisher
}

/**
 * An issuer by the names of its files in the key directory.
 *
 * @throws ConfigError for a development certificate that is not allowed
 * @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`
 */
async function loadIssuer(config: BrokerConfig, files: IssuerFiles): Promise<Issuer> {
  // One for all keys of a broker's directory; a key that needs none is opened without.
  const { passPhraseFile } = config.issuer
  const directory = config.keyDirectory ?? dirname(config.issuer.privateKeyFile)
  const pair = readPair(
    {
      certificateFile: join(directory, files.certificateFile),
      privateKeyFile: join(directory, files.privateKeyFile),
      ...(passPhraseFile === undefined ? {} : { passPhraseFile }),
    },
    'issuer',
  )
  const issuer = await createIssuer(pair)
  const { development } = issuer.certificate
  assertDevelopmentAllowed(config, [{ path: 'issuer.certificateFile', development }])
  return issuer
}
