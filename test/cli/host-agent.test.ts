import { expect, test } from 'vitest'
import {
  createDevelopmentCertificates,
  type DevelopmentCertificates,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'
import { register as registerConfig } from '../../src/cli/config.ts'
import { openHostAgent, register } from '../../src/cli/host-agent.ts'
import { loadHostAgentConfig } from '../../src/config/index.ts'
import { silentLog, systemClock } from '../../src/lib/index.ts'
import { freePort } from '../helpers/ports.ts'
import { runCommand, writeFiles } from './run-command.ts'

const GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
const CONTROL = `
control:
  broker: 127.0.0.1:1
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: control-ca.crt
`

/** A configuration file with all that it names, and its path. */
async function writeConfig(
  settings: string,
  pairOf: (set: DevelopmentCertificates) => KeyPair | undefined = (set) => set.agentControl.hv1,
): Promise<string> {
  const set = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: ['gw1'],
    agents: ['hv1'],
    now: new Date(),
  })
  const { certificatePem = '', privateKeyPem = '' } = pairOf(set) ?? {}
  const thumbprint = readCertificate(set.issuer.certificatePem).sha1Thumbprint
  const files = writeFiles({
    'control.crt': certificatePem,
    'control.key': privateKeyPem,
    'control-ca.crt': set.controlAuthority.certificatePem,
    'issuer.crt': set.issuer.certificatePem,
    'host-agent.yaml': `
agent: hv1
host: kvm1
listen: 127.0.0.1:${await freePort()}
consoles: { ${GUID}: "127.0.0.1:3390" }
${settings.replace('ISSUER', `{ certificateFile: issuer.crt, thumbprint: "${thumbprint}" }`)}
`,
  })
  return files['host-agent.yaml']
}

test.each([
  ['led by a broker', `${CONTROL}development: true`],
  ['on its own, in plain', 'trust: [ISSUER]\nplain: true\ndevelopment: true'],
  [
    'on its own, with a certificate for nodes',
    'trust: [ISSUER]\ntls: { certificateFile: control.crt, privateKeyFile: control.key, caFile: control-ca.crt }\ndevelopment: true',
  ],
])('starts the agent that its file describes: %s', async (_, settings) => {
  const config = loadHostAgentConfig(await writeConfig(settings), {})
  const agent = openHostAgent({ config, clock: systemClock, log: silentLog })
  expect((await agent.listen()).port).toBeGreaterThan(0)
  expect(agent.figures().ready).toBe(config.control === undefined)
  await agent.close()
})

test("a node's certificate, and a development certificate in earnest, are errors", async () => {
  const run = async (path: string) => runCommand(register, ['host-agent', '--config', path])
  const foreign = await writeConfig(`${CONTROL}development: true`, (set) => set.gatewayControl.gw1)
  expect(await run(foreign)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(
      'control.tls.certificateFile: names node gw1; need one for agent hv1',
    ),
  })
  expect(await run(await writeConfig(CONTROL))).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('control.tls.certificateFile: is a development certificate'),
  })
})

test('config check knows the role, and opens its files', async () => {
  const check = (path: string) => runCommand(registerConfig, ['config', 'check', path])
  const good = await writeConfig(`${CONTROL}development: true`)
  const { exitCode, stdout } = await check(good)
  expect(exitCode).toBe(0)
  expect(String(stdout)).toContain('no faults, role host-agent')
  const foreign = await writeConfig(`${CONTROL}development: true`, (set) => set.gatewayControl.gw1)
  expect(await check(foreign)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('need one for agent hv1'),
  })
})
