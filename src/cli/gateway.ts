import type { Command } from 'commander'
import { type Certificate, checkPair } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  loadGatewayConfig,
  type NamedCertificate,
} from '../config/index.ts'
import { createGateway } from '../gateway/index.ts'
import { createLog, systemClock } from '../lib/index.ts'
import { createMemoryLedger, createTrustList } from '../tokens/index.ts'
import { say } from './output.ts'
import { openIssuer, readPair } from './role-files.ts'
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
  const tls = readPair(config.tls, 'tls')
  const { certificate: tlsCertificate } = checkPair(tls, 'tls')
  const issuers = config.trust.map((file, index) => {
    const { entry, oddities } = openIssuer(file, `trust.${index}`)
    for (const oddity of oddities) say(`portcullis: trust.${index}.thumbprint: ${oddity}`)
    return entry
  })
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
    log: createLog({ level: config.logLevel, fields: { role: 'gateway' } }),
    limits: config.limits,
  })
  closeOnSignal(() => gateway.close())
  const listening = await gateway.listen()
  say(`gateway ${config.node} listens on ${listening.map(({ address }) => address).join(', ')}`)
}

function named(path: string, { development }: Certificate): NamedCertificate {
  return { path, development }
}
