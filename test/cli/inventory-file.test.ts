import { expect, test } from 'vitest'
import { parseInventory, readInventoryFile } from '../../src/cli/inventory-file.ts'
import { writeFiles } from './run-command.ts'

test('a CSV file has columns in any order; an empty cell is a field that is left out', () => {
  const text = [
    'kind,id,address,port,console.allow,console.mode',
    'hyperv,hv1,192.0.2.10,2200,TRUE,enhanced',
    'rdp, hv2 ,"hv2.example.net",,,',
    'rdp,hv3,192.0.2.11',
  ].join('\n')
  expect(parseInventory(text, 'hosts')).toEqual({
    rows: {
      hosts: [
        {
          id: 'hv1',
          kind: 'hyperv',
          address: '192.0.2.10',
          port: 2200,
          console: { allow: true, mode: 'enhanced' },
        },
        { id: 'hv2', kind: 'rdp', address: 'hv2.example.net' },
        { id: 'hv3', kind: 'rdp', address: '192.0.2.11' },
      ],
    },
    lines: [2, 3, 4],
  })
})

test('names of a host have columns of their own', () => {
  const text = 'id,identify,names.fqdn,names.ipv6\nhv1,fqdn,hv1.example.net,\n'
  expect(parseInventory(text, 'hosts').rows.hosts).toEqual([
    { id: 'hv1', identify: 'fqdn', names: { fqdn: 'hv1.example.net' } },
  ])
})

test('what is no number and no yes or no goes on as it stands, for the broker to name', () => {
  const { rows } = parseInventory('id,port,console.allow\nhv1,12x,maybe\n', 'hosts')
  expect(rows.hosts).toEqual([{ id: 'hv1', port: '12x', console: { allow: 'maybe' } }])
})

test('JSON is a list of rows, or lists by name', () => {
  expect(parseInventory(' [{"id":"web"}]', 'vms')).toEqual({ rows: { vms: [{ id: 'web' }] } })
  const whole = { tenants: [{ id: 'acme' }], vms: [] }
  expect(parseInventory(JSON.stringify(whole), 'hosts')).toEqual({ rows: whole })
})

test.each([
  ['id,colour\nhv1,red\n', 'line 1: need columns of id,kind,address'],
  ['id;kind\nhv1;rdp\n', 'have "id;kind": commas have to separate them'],
  ['id,id\n', 'line 1: "id" is there twice'],
  ['', 'have nothing'],
  ['id,kind\nhv1,rdp,more\n', 'row 1 (line 2): need 2 cells or fewer, have 3'],
  ['[{]', 'is no JSON'],
  ['{"users":[]}', 'need lists tenants, hosts, vms, have "users"'],
  ['{"hosts":{}}', 'have "hosts"'],
  ['{}', 'have nothing'],
])('refuses %j', (text, message) => {
  expect(() => parseInventory(text, 'hosts')).toThrow(message)
})

test('names the file, also when it is too large', async () => {
  const { bad, large } = writeFiles({ bad: 'colour\n', large: Buffer.alloc(9 * 1024 * 1024, 'x') })
  await expect(readInventoryFile(bad, 'vms')).rejects.toThrow(`${bad}: line 1`)
  await expect(readInventoryFile(large, 'vms')).rejects.toThrow('need 8388608 bytes or fewer')
  await expect(readInventoryFile('/nowhere', 'vms')).rejects.toMatchObject({ code: 'ERR_USAGE' })
})
