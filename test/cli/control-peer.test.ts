import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createDevelopmentCertificates } from '../../src/certs/index.ts'
import { register } from '../../src/cli/config.ts'
import { openControlCertificate } from '../../src/cli/control-peer.ts'
import { loadGatewayConfig } from '../../src/config/index.ts'
import { runCommand, writeFiles } from './run-command.ts'

interface Change {
  node?: string
  stateFile?: string
  foreignAuthority?: boolean
}

/** A node's file with what its end of the control channel needs. */
async function writeNode({
  node = 'gw1',
  stateFile = 'state.json',
  foreignAuthority = false,
}: Change) {
  const development = { farmName: 'demo', names: [], gateways: ['gw1'], now: new Date() }
  const own = await createDevelopmentCertificates(development)
  const foreign = await createDevelopmentCertificates(development)
  const { controlAuthority } = foreignAuthority ? foreign : own
  return writeFiles({
    'tls.crt': own.gatewayTls.gw1?.certificatePem ?? '',
    'tls.key': own.gatewayTls.gw1?.privateKeyPem ?? '',
    'control.crt': own.gatewayControl.gw1?.certificatePem ?? '',
    'control.key': own.gatewayControl.gw1?.privateKeyPem ?? '',
    'ca.crt': controlAuthority.certificatePem,
    'broken.json': '{"trust":',
    'gateway.yaml': `
node: ${node}
farm: { name: demo }
listeners: [{ address: "127.0.0.1:9443" }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
control:
  broker: broker.example
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: ca.crt
  stateFile: ${stateFile}
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
development: true
`,
  })
}

const open = (file: string) => openControlCertificate(loadGatewayConfig(file, {}))

test('takes the certificate that names the node and is of the control authority', async () => {
  const files = await writeNode({})
  expect(open(files['gateway.yaml'])?.subject).toContain('gw1')
})

test('a node by another name than its certificate does not start', async () => {
  const files = await writeNode({ node: 'gw7' })
  expect(() => open(files['gateway.yaml'])).toThrow(
    'control.tls.certificateFile: names node gw1; need one for node gw7, or another `node`',
  )
})

test('a certificate of another authority than the control one is named before the start', async () => {
  const files = await writeNode({ foreignAuthority: true })
  expect(() => open(files['gateway.yaml'])).toThrow(
    /^control\.tls\.certificateFile: is signed by .*, which is not in control\.caFile$/,
  )
})

test.each([
  ['broken.json', /^portcullis: control\.stateFile: .*is no JSON; remove the file/m],
  [join('missing', 'state.json'), /^portcullis: control\.stateFile: .*missing is no directory/m],
])('config check looks at the state file %s', async (stateFile, fault) => {
  const files = await writeNode({ stateFile })
  const { stderr, exitCode } = await runCommand(register, [
    'config',
    'check',
    files['gateway.yaml'],
  ])
  expect(stderr).toMatch(fault)
  expect(exitCode).toBe(1)
})
