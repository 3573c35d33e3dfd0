import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { createDevelopmentCertificates } from '../../src/certs/index.ts'
import { openNodeControl } from '../../src/cli/node-control.ts'
import { loadGatewayConfig } from '../../src/config/index.ts'
import { silentLog, systemClock } from '../../src/lib/index.ts'
import { writeFiles } from './run-command.ts'

/** A node under a broker, as its file says, and where its state file is. */
async function setUp(state?: string) {
  const { controlAuthority, gatewayControl } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: [],
    gateways: ['gw1'],
    now: new Date(),
  })
  const files = writeFiles({
    'control.crt': gatewayControl.gw1?.certificatePem ?? '',
    'control.key': gatewayControl.gw1?.privateKeyPem ?? '',
    'ca.crt': controlAuthority.certificatePem,
    'gateway.yaml': `
node: gw1
farm: { name: demo }
listeners: [{ address: "127.0.0.1:9443" }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
control:
  broker: broker.example
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: ca.crt
  stateFile: state.json
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
redeem: { whenBrokerAway: refuse }
development: true
`,
  })
  const config = loadGatewayConfig(files['gateway.yaml'], {})
  const stateFile = join(dirname(files['gateway.yaml']), 'state.json')
  if (state !== undefined) writeFileSync(stateFile, state)
  return { stateFile, open: () => openNodeControl({ config, clock: systemClock, log: silentLog }) }
}

const SETS = {
  trust: { version: 3, asOf: 1, issuers: [] },
  revocations: { version: 2, items: [] },
}

test('what a node remembers is there at its next start, for its owner alone', async () => {
  const { stateFile, open } = await setUp()
  const first = open()
  expect(first).toMatchObject({ whenBrokerAway: 'refuse', maxTrustAgeMs: 86_400_000 })
  expect(first?.remembered).toBeUndefined()
  first?.remember?.(SETS)
  expect(statSync(stateFile).mode & 0o777).toBe(0o600)
  expect(open()?.remembered).toEqual(SETS)
})

test('a broken state file stops the start and says what to do', async () => {
  const { stateFile, open } = await setUp('{"trust":')
  expect(open).toThrow(/^control\.stateFile: .*is no JSON; remove the file/)
  expect(readFileSync(stateFile, 'utf8')).toBe('{"trust":')
})
