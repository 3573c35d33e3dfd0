import { readFileSync } from 'node:fs'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import { type GatewayConfig, loadGatewayConfig } from '../../src/config/index.ts'
import { freePort } from '../helpers/ports.ts'
import { writeFiles } from './run-command.ts'
import type { BrokerFiles } from './running-broker.ts'

/** More of a node's file: a laboratory, whose issuer is the node's own here. */
export const LAB = `lab: { issuer: { certificateFile: issuer.crt, thumbprint: '${'AB'.repeat(32)}' }, echoHost: '192.0.2.50:7007' }`

/** A node's file with everything it names, led by a broker or, without one, on its own. */
export async function writeNode({
  broker,
  port = 1,
  more = '',
}: {
  broker?: BrokerFiles
  port?: number
  more?: string
} = {}) {
  const certificates = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: ['localhost'],
    now: new Date(),
  })
  const own = certificates.gatewayTls.localhost
  const control = broker?.nodeTls.localhost ?? certificates.gatewayControl.localhost
  const { sha256Thumbprint } = readCertificate(certificates.issuer.certificatePem)
  const trust =
    broker === undefined
      ? `trust: [{ certificateFile: issuer.crt, thumbprint: '${sha256Thumbprint}' }]`
      : `control: { broker: '127.0.0.1:${port}', tls: { certificateFile: control.crt, privateKeyFile: control.key }, caFile: control-ca.crt, stateFile: state.json }`
  return writeFiles({
    'gateway.yaml': `
node: localhost
farm: { name: demo }
listeners: [{ address: '127.0.0.1:${await freePort()}' }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
${trust}
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
development: true
${more}`,
    'tls.crt': own?.certificatePem ?? '',
    'tls.key': own?.privateKeyPem ?? '',
    'control.crt': control?.certificatePem ?? '',
    'control.key': control?.privateKeyPem ?? '',
    'control-ca.crt': broker?.controlCa ?? certificates.controlAuthority.certificatePem,
    'issuer.crt': certificates.issuer.certificatePem,
    'ca.crt': certificates.authority.certificatePem,
  })
}

export function loadNode(files: { 'gateway.yaml': string }): {
  role: 'gateway'
  config: GatewayConfig
} {
  return { role: 'gateway', config: loadGatewayConfig(files['gateway.yaml'], {}) }
}

/** The longest line of a key: what must never be printed. */
export function keyLine(file: string): string {
  return readFileSync(file, 'utf8').split('\n')[1] ?? ''
}
