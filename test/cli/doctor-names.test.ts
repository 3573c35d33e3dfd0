import { expect, test } from 'vitest'
import { examineNames, type Names } from '../../src/cli/doctor-names.ts'
import { loadFarmConfig, loadHostAgentConfig } from '../../src/config/index.ts'
import { writeConfig } from '../config/files.ts'
import { loadNode, writeNode } from './doctor-node.ts'

const records = (forward: Record<string, string[]>, back: Record<string, string> = {}): Names => ({
  addresses: async (name) => {
    const found = forward[name]
    if (found === undefined) throw new Error(`getaddrinfo ENOTFOUND ${name}`)
    return found
  },
  nameOf: async (address) => back[address] ?? address,
  own: () => ['192.0.2.21'],
})

const node = async () => loadNode(await writeNode())

test('a name that leads here and back is right', async () => {
  const names = records({ localhost: ['192.0.2.21'] }, { '192.0.2.21': 'LocalHost' })
  expect(await examineNames(await node(), names)).toEqual([
    {
      area: 'names',
      severity: 'ok',
      subject: 'node',
      message: 'localhost is 192.0.2.21, and back',
    },
  ])
})

test('a name of another machine, and an address without a name, come with the record to add', async () => {
  const found = await examineNames(await node(), records({ localhost: ['192.0.2.99'] }))
  expect(found).toMatchObject([
    { severity: 'warning', message: expect.stringContaining("which this machine doesn't have") },
    { severity: 'warning', fix: 'add a PTR record: 192.0.2.99 is localhost' },
  ])
})

test("an agent's name has to lead somewhere, unless it is only its host's id", async () => {
  const namesOf = async (agent: string, host: string) => {
    const config = loadHostAgentConfig(
      writeConfig(`
agent: ${agent}
host: ${host}
control:
  broker: 192.0.2.1:8444
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: control-ca.crt
consoles: { 3f2504e0-4f89-11d3-9a0c-0305e82c3301: "127.0.0.1:3390" }
`),
      {},
    )
    return await examineNames({ role: 'host-agent', config }, records({}))
  }
  expect(await namesOf('kvm1', 'kvm1')).toEqual([])
  expect(await namesOf('hv1.example', 'kvm1')).toMatchObject([
    { severity: 'error', subject: 'agent' },
  ])
})

test('what is dialled by a name without an address is an error; literal addresses have no name', async () => {
  const file = writeConfig(
    'name: north\naddress: gateway.example:443\nlisten: 192.0.2.10:443\nnodes: [{ name: gw1, address: 192.0.2.21:443 }]',
  )
  const found = await examineNames({ role: 'farm', config: loadFarmConfig(file) }, records({}))
  expect(found).toEqual([
    {
      area: 'names',
      severity: 'error',
      subject: 'address',
      message: 'gateway.example has no address: getaddrinfo ENOTFOUND gateway.example',
      fix: 'add an A or AAAA record for gateway.example, or put it into /etc/hosts',
    },
  ])
})
