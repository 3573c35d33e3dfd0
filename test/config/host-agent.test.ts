import { expect, test } from 'vitest'
import { checkConfig, loadHostAgentConfig } from '../../src/config/index.ts'
import { writeConfig } from './files.ts'

const GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
const OTHER_GUID = '7C9E6679-7425-40DE-944B-E07FC1F90AE7'
const CONTROL = `
control:
  broker: broker.example
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: control-ca.crt
`
const AGENT = `
agent: hv1.example
host: host-1
${CONTROL}
`
const CONSOLES = `consoles: { ${GUID}: "127.0.0.1:3390" }\n`

const load = (text: string) => loadHostAgentConfig(writeConfig(text), {})

function faultsOf(text: string): string[] {
  const { role, result } = checkConfig(writeConfig(text), undefined, {})
  expect(role).toBe('host-agent')
  return 'faults' in result ? result.faults.map(({ path, message }) => `${path}: ${message}`) : []
}

test('says where each machine has its console', () => {
  const { listen, consoles } = load(`${AGENT}
consoles:
  ${GUID}: "127.0.0.1:3390"
  ${OTHER_GUID}: { address: /run/vm/rdp.sock, proxy: v2 }
`)
  expect(listen).toEqual({ host: '0.0.0.0', port: 2179 })
  expect(consoles).toEqual({
    kind: 'static',
    places: {
      [GUID]: { address: { host: '127.0.0.1', port: 3390 }, proxy: false },
      [OTHER_GUID]: { address: { path: '/run/vm/rdp.sock' }, proxy: true },
    },
  })
})

test('or lets virsh say so', () => {
  expect(load(`${AGENT}consoles: { virsh: {} }`).consoles).toEqual({
    ...{ kind: 'virsh', uri: 'qemu:///system', command: 'virsh' },
  })
  expect(load(`${AGENT}consoles: { virsh: { uri: "xen:///" } }`).consoles).toMatchObject({
    uri: 'xen:///',
  })
})

test.each([
  ['no machine', 'consoles: {}', 'consoles: '],
  ['a name for a GUID', 'consoles: { web: "127.0.0.1:3390" }', 'consoles.web: '],
  ['a place without a port', `consoles: { ${GUID}: "127.0.0.1" }`, `consoles.${GUID}: `],
  ['a place of another form', `consoles: { ${GUID}: { port: 3390 } }`, `consoles.${GUID}: `],
  ['both', `consoles: { virsh: {}, ${GUID}: "127.0.0.1:3390" }`, 'consoles: '],
  ['an unknown setting of virsh', 'consoles: { virsh: { url: x } }', 'consoles.virsh'],
])('%s is a fault that names its key', (_, consoles, start) => {
  const [fault, ...more] = faultsOf(AGENT + consoles)
  expect(fault).toMatch(/^consoles.*need|unknown/)
  expect(fault?.startsWith(start)).toBe(true)
  expect(more).toEqual([])
})

test('nodes need a certificate to see, unless plain says that they do not', () => {
  const alone = `agent: hv1\nhost: host-1\n${CONSOLES}trust: [{ certificateFile: issuer.crt, thumbprint: "${'AB'.repeat(20)}" }]\n`
  const tls = 'tls: { certificateFile: a.crt, privateKeyFile: a.key, caFile: ca.crt }\n'
  expect(faultsOf(alone)).toEqual([expect.stringMatching(/^tls: missing; need tls or control/)])
  expect(faultsOf(`${alone}plain: true`)).toEqual([])
  expect(faultsOf(alone + tls)).toEqual([])
  expect(faultsOf(`${alone}${tls}plain: true`)).toEqual([expect.stringMatching(/^plain: /)])
})

test('in development it listens on loopback only', () => {
  const text = `${AGENT}${CONSOLES}development: true\n`
  expect(faultsOf(text)).toEqual([expect.stringMatching(/^listen: .*loopback/)])
  expect(faultsOf(`${text}listen: 127.0.0.1:2179`)).toEqual([])
})
