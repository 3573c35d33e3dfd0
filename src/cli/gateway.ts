import type { Command } from 'commander'
import { type Certificate, checkPair, readCertificate } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  type GatewayConfig,
  loadGatewayConfig,
  type NamedCertificate,
  type TrustFile,
} from '../config/index.ts'
import { createGateway } from '../gateway/index.ts'
import { ConfigError, createLog, systemClock } from '../lib/index.ts'
import {
  createMemoryLedger,
  createTrustList,
  parseThumbprint,
  type TrustEntry,
} from '../tokens/index.ts'
import { readText } from './files.ts'
import { say } from './output.ts'
import { closeOnSignal } from './shutdown.ts'

export function register(program: Command): void {
  program
    .command('gateway')
    .description('one gateway node: checks console tokens and tunnels to the hypervisor hosts')
    .requiredOption('--config <file>', 'YAML file; portcullis config check explains it')
    .addHelpText('after', '\nExample:\n  portcullis gateway --config /etc/portcullis/gateway.yaml')
    .action(runGateway)
}

async function runGateway(options: { config: string }): Promise<void> {
  const config = loadGatewayConfig(options.config)
  const tls = {
    certificatePem: readText(config.tls.certificateFile, 'tls.certificateFile'),
    privateKeyPem: readText(config.tls.privateKeyFile, 'tls.privateKeyFile'),
  }
  const { certificate: tlsCertificate } = checkPair(tls, 'tls')
  const issuers = config.trust.map(readIssuer)
  assertDevelopmentAllowed(config, [
    named('tls.certificateFile', tlsCertificate),
    ...issuers.map(({ certificate }, index) =>
      named(`trust.${index}.certificateFile`, certificate),
    ),
  ])
  const gateway = createGateway({
    node: config.node,
    farmName: config.farm.name,
    listeners: config.listeners,
    tls,
    trust: createTrustList(issuers, systemClock.now()),
    ledger: createMemoryLedger({
      clock: systemClock,
      clientBinding: config.clientBinding,
      ...config.redeem,
    }),
    targets: config.targets,
    clientBinding: config.clientBinding,
    leewaySeconds: config.leewaySeconds,
    clock: systemClock,
    log: createLog({ level: config.logLevel, fields: { role: 'gateway', node: config.node } }),
    limits: config.limits,
  })
  closeOnSignal(() => gateway.close())
  const listening = await gateway.listen()
  say(`gateway ${config.node} listens on ${listening.map(({ address }) => address).join(', ')}`)
}

function readIssuer(entry: GatewayConfig['trust'][number], index: number): TrustEntry {
  const path = `trust.${index}.thumbprint`
  const file = `trust.${index}.certificateFile`
  const certificate = readCertificate(readText(entry.certificateFile, file), file)
  const { thumbprint, oddities } = parseThumbprint(entry.thumbprint)
  for (const oddity of oddities) say(`portcullis: ${path}: ${oddity}`)
  checkThumbprint(path, thumbprint, certificate)
  return { certificate, purpose: 'gateway', ...window(entry) }
}

/** A thumbprint beside the file says which certificate the operator meant, whatever the file holds. */
function checkThumbprint(path: string, thumbprint: string, certificate: Certificate): void {
  const { sha1Thumbprint, sha256Thumbprint } = certificate
  if (thumbprint === sha1Thumbprint || thumbprint === sha256Thumbprint) return
  throw new ConfigError(
    path,
    `is ${thumbprint}, but the certificate's are ${sha1Thumbprint} (SHA-1) and ${sha256Thumbprint} (SHA-256)`,
  )
}

function window({ notBefore, notAfter }: TrustFile): Pick<TrustEntry, 'notBefore' | 'notAfter'> {
  return {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  }
}

function named(path: string, { development }: Certificate): NamedCertificate {
  return { path, development }
}
