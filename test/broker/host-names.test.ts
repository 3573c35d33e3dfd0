import { afterEach, expect, test } from 'vitest'
import { completeNames, type HostResolver } from '../../src/broker/host-names.ts'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker | undefined

afterEach(async () => {
  await api?.close()
  api = undefined
})

/** A zone as it should be, with an address that claims somebody else's name. */
const FORWARD: Record<string, string[]> = {
  'hv1.example.net': ['192.0.2.11', '192.0.2.10', '2001:db8::1'],
}
const REVERSE: Record<string, string[]> = {
  '192.0.2.10': ['other.example.net', 'HV1.example.net.'],
  '2001:db8::1': ['hv1', 'hv1.example.net'],
  '192.0.2.66': ['hv1.example.net'],
}
const dns: HostResolver = {
  addresses: async (name, family) =>
    (FORWARD[name] ?? []).filter((address) => address.includes(':') === (family === 6)),
  names: async (address) => REVERSE[address] ?? [],
}

test.each([
  ['hv1.example.net', 'ipv4', { ipv4: '192.0.2.10' }],
  ['hv1.example.net', 'ipv6', { ipv6: '2001:db8::1' }],
  ['hv1.example.net', 'name', { name: 'hv1' }],
  ['192.0.2.10', 'fqdn', { fqdn: 'hv1.example.net' }],
  ['192.0.2.10', 'name', { name: 'hv1' }],
  ['2001:db8::1', 'fqdn', { fqdn: 'hv1.example.net' }],
] as const)('%s by %s is %j', async (address, identify, names) => {
  expect(await completeNames({ address, identify }, dns)).toEqual(names)
})

test('what is given is taken, and nothing is looked up that nobody asks for', async () => {
  const silent: HostResolver = {
    addresses: () => Promise.reject(new Error('asked')),
    names: () => Promise.reject(new Error('asked')),
  }
  const names = { ipv4: '192.0.2.99' }
  const address = 'hv1.example.net'
  expect(await completeNames({ address, identify: 'ipv4', names }, silent)).toEqual(names)
  expect(await completeNames({ address }, silent)).toEqual({})
})

test.each([
  ['192.0.2.66', 'fqdn', 'names.fqdn: not found for 192.0.2.66: name it here'],
  ['192.0.2.77', 'name', 'names.name: not found for 192.0.2.77: name it here'],
  ['hv2.example.net', 'ipv4', 'names.ipv4: not found for hv2.example.net: name it here'],
] as const)(
  'an address may not take the name of another: %s by %s',
  async (address, identify, message) => {
    await expect(completeNames({ address, identify }, dns)).rejects.toThrow(message)
  },
)

test('token and file name the host as it is identified, the list says how', async () => {
  api = await createTestBroker({ resolver: dns })
  const host = {
    kind: 'rdp',
    address: 'hv1.example.net',
    identify: 'ipv4',
    console: { allow: true },
  }
  const { body } = await api.put('/v1/hosts/hv1', host).expect(200)
  expect(body).toMatchObject({ ...host, names: { ipv4: '192.0.2.10' } })
  const opened = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  const file = Buffer.from(opened.body.rdp, 'base64').toString('utf16le')
  expect(file).toContain('full address:s:192.0.2.10:3389')
  await api.put('/v1/hosts/hv1', { ...host, identify: 'fqdn' }).expect(200)
  const again = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
  expect(Buffer.from(again.body.rdp, 'base64').toString('utf16le')).toContain(
    'full address:s:hv1.example.net:3389',
  )
})
