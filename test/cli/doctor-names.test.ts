import { expect, test } from 'vitest'
import { examineNames, type Names } from '../../src/cli/doctor-names.ts'
import { loadFarmConfig } from '../../src/config/index.ts'
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
