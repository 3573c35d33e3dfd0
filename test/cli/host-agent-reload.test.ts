import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import { watchAgentFiles } from '../../src/cli/host-agent-reload.ts'
import { loadHostAgentConfig } from '../../src/config/index.ts'
import { createLog, type LogFields, systemClock } from '../../src/lib/index.ts'
import { writeFiles } from './run-command.ts'

const CONTROL = `control:
  broker: 127.0.0.1:1
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: control-ca.crt
`
const OWN_TLS =
  'tls: { certificateFile: tls.crt, privateKeyFile: tls.key, caFile: control-ca.crt }\n'

/** An agent's files, and `new-…` to replace them by. */
async function start(settings: (thumbprints: string[]) => string) {
  const make = () =>
    createDevelopmentCertificates({
      farmName: 'demo',
      names: ['localhost'],
      gateways: [],
      agents: ['hv1'],
      now: new Date(),
    })
  const [first, second] = [await make(), await make()]
  const thumbprints = [first, second].map(
    ({ issuer }) => readCertificate(issuer.certificatePem).sha256Thumbprint,
  )
  const [before, after] = [first.agentControl.hv1, second.agentControl.hv1]
  const files = writeFiles({
    'control.crt': before?.certificatePem ?? '',
    'control.key': before?.privateKeyPem ?? '',
    'control-ca.crt': first.controlAuthority.certificatePem,
    'tls.crt': before?.certificatePem ?? '',
    'tls.key': before?.privateKeyPem ?? '',
    'new-control.crt': after?.certificatePem ?? '',
    'new-control.key': after?.privateKeyPem ?? '',
    'new-control-ca.crt': second.controlAuthority.certificatePem,
    'issuer.crt': first.issuer.certificatePem,
    'new-issuer.crt': second.issuer.certificatePem,
    'host-agent.yaml': '',
  })
  const configFile = files['host-agent.yaml']
  const write = (text: string): void => {
    const consoles = '{ 3f2504e0-4f89-11d3-9a0c-0305e82c3301: "127.0.0.1:3390" }'
    const listen = '127.0.0.1:2179'
    writeFileSync(
      configFile,
      `agent: hv1\nhost: kvm1\nlisten: ${listen}\nconsoles: ${consoles}\n${text}development: true\n`,
    )
  }
  write(settings(thumbprints))
  const lines: LogFields[] = []
  const onApplied = vi.fn()
  const agent = {
    replaceCertificate: vi.fn(),
    replaceControlCertificate: vi.fn(),
    replaceTrust: vi.fn(),
  }
  const watch = watchAgentFiles({
    configFile,
    config: loadHostAgentConfig(configFile),
    agent,
    clock: systemClock,
    log: createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }),
    onApplied,
  })
  onTestFinished(watch.close)
  const replace = (name: 'control.crt' | 'control.key' | 'control-ca.crt'): void =>
    copyFileSync(files[`new-${name}`], files[name])
  const read = (name: keyof typeof files) => readFileSync(files[name], 'utf8')
  return { files, agent, lines, onApplied, watch, write, replace, read, thumbprints }
}

test('shows broker and nodes a replaced control certificate once all of it is there', async () => {
  const { agent, lines, onApplied, watch, replace, read } = await start(() => CONTROL)
  for (const name of ['control.crt', 'control.key'] as const) {
    replace(name)
    watch.look()
  }
  expect(agent.replaceControlCertificate).not.toHaveBeenCalled()
  expect(onApplied).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    { event: 'reload.failed', setting: 'control.tls' },
    { event: 'reload.failed', error: expect.stringContaining('not in control.caFile') },
  ])
  replace('control-ca.crt')
  watch.look()
  watch.look()
  expect(onApplied).toHaveBeenCalledOnce()
  const certificatePem = read('new-control.crt')
  const privateKeyPem = read('new-control.key')
  const ca = read('new-control-ca.crt')
  expect(agent.replaceControlCertificate.mock.calls).toEqual([
    [{ tls: { certificatePem, privateKeyPem }, ca }],
  ])
  expect(agent.replaceCertificate.mock.calls).toMatchObject([
    [{ certificatePem, privateKeyPem, ca }],
  ])
  expect(lines.at(-1)).toMatchObject({ event: 'cert.applied', setting: 'control.tls' })
})

test('what nodes alone are shown is replaced by itself', async () => {
  const { files, agent, lines, watch, read } = await start(() => `${CONTROL}${OWN_TLS}`)
  copyFileSync(files['new-control.crt'], files['tls.crt'])
  copyFileSync(files['new-control.key'], files['tls.key'])
  watch.look()
  expect(agent.replaceCertificate.mock.calls).toMatchObject([
    [{ certificatePem: read('new-control.crt'), ca: read('control-ca.crt') }],
  ])
  expect(agent.replaceControlCertificate).not.toHaveBeenCalled()
  expect(lines).toMatchObject([{ event: 'cert.applied', setting: 'tls' }])
})

test('an agent on its own trusts what its file says now, and keeps the old list when that is broken', async () => {
  const trust = (file: string, thumbprint = '') =>
    `${OWN_TLS}trust: [{ certificateFile: ${file}, thumbprint: "${thumbprint}" }]\n`
  const { agent, lines, watch, write, thumbprints } = await start(([first]) =>
    trust('issuer.crt', first),
  )
  write(trust('new-issuer.crt', thumbprints[0]))
  watch.look()
  expect(lines).toMatchObject([{ event: 'reload.failed', setting: 'trust' }])
  write(trust('new-issuer.crt', thumbprints[1]))
  watch.look()
  expect(agent.replaceTrust).toHaveBeenCalledOnce()
  const [issuer] = agent.replaceTrust.mock.calls[0]?.[0].issuers ?? []
  expect(issuer).toMatchObject({ purpose: 'host' })
  expect(lines.at(-1)).toMatchObject({ event: 'trust.applied', issuers: 1 })
})
