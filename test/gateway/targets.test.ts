import { expect, test } from 'vitest'
import { BrokerAddresses } from '../../src/gateway/broker-addresses.ts'
import { createTargetPolicy, resolveTarget } from '../../src/gateway/targets.ts'
import { ConfigError, Refusal } from '../../src/lib/index.ts'

const everything = [
  { cidr: '0.0.0.0/0', ports: [3389] },
  { cidr: '::/0', ports: [3389] },
]

test('refuses everything when nothing is listed', () => {
  expect(createTargetPolicy([], []).admits('10.0.0.1', 3389)).toBe(false)
})

test('admits the listed network with the console ports when no port is listed', () => {
  const policy = createTargetPolicy([{ cidr: '10.20.0.0/16' }], [])
  expect([2179, 3389, 5900, 22].map((port) => policy.admits('10.20.3.4', port))).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect(policy.admits('10.21.0.1', 3389)).toBe(false)
})

test('admits a listed address with just the listed ports', () => {
  const policy = createTargetPolicy([{ cidr: '192.0.2.7', ports: [24001] }], [])
  expect(policy.admits('192.0.2.7', 24001)).toBe(true)
  expect(policy.admits('192.0.2.7', 3389)).toBe(false)
  expect(policy.admits('192.0.2.8', 24001)).toBe(false)
})

test.each([
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '169.254.1.1',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '64:ff9b::7f00:1',
  'fd00:ec2::254',
  'fd00:ec2::254%1',
  '168.63.129.16',
  '203.0.113.9',
])('a rule for everything does not reach %s', (address) => {
  const policy = createTargetPolicy(everything, ['203.0.113.9'])
  expect(policy.admits(address, 3389)).toBe(false)
})

test('a rule within loopback or link-local reaches it', () => {
  const policy = createTargetPolicy(
    [
      { cidr: '127.0.0.1/32', ports: [24001] },
      { cidr: '169.254.0.0/16', ports: [3389] },
      { cidr: '::1', ports: [24001] },
    ],
    [],
  )
  expect(policy.admits('127.0.0.1', 24001)).toBe(true)
  expect(policy.admits('127.0.0.2', 24001)).toBe(false)
  expect(policy.admits('169.254.1.1', 3389)).toBe(true)
  expect(policy.admits('169.254.169.254', 3389)).toBe(false)
  expect(policy.admits('::1', 24001)).toBe(true)
})

test("the node's own address needs a rule for just that address", () => {
  const rules = [{ cidr: '10.0.0.0/8' }]
  expect(createTargetPolicy(rules, ['10.0.0.5']).admits('10.0.0.5', 3389)).toBe(false)
  expect(createTargetPolicy(rules, ['10.0.0.5']).admits('10.0.0.6', 3389)).toBe(true)
  const listed = createTargetPolicy([...rules, { cidr: '10.0.0.5/32' }], ['10.0.0.5'])
  expect(listed.admits('10.0.0.5', 3389)).toBe(true)
})

test("a broker's address needs a rule for just that address, whatever name leads there", async () => {
  const brokers = new BrokerAddresses({
    hosts: ['broker.example', '::ffff:10.0.0.6'],
    lookup: async () => ['10.0.0.5'],
    clock: { now: () => 0 },
  })
  const rules = [{ cidr: '10.0.0.0/8' }]
  const policy = createTargetPolicy(rules, [], brokers)
  const lookup = async () => ['10.0.0.5', '10.0.0.6', '10.0.0.7']
  const targets = await resolveTarget({ host: 'hv1.example', port: 3389 }, policy, lookup)
  expect(targets).toEqual([{ address: '10.0.0.7', port: 3389 }])
  const literal = resolveTarget({ host: '10.0.0.5', port: 3389 }, policy, lookup)
  await expect(literal).rejects.toMatchObject({ reason: 'target-not-allowed' })
  const listed = createTargetPolicy([...rules, { cidr: '10.0.0.5' }], [], brokers)
  expect(listed.admits('10.0.0.5', 3389)).toBe(true)
  expect(listed.admits('10.0.0.6', 3389)).toBe(false)
})

test('a mapped IPv4 address is judged as IPv4', () => {
  const policy = createTargetPolicy([{ cidr: '10.20.0.0/16' }], [])
  expect(policy.admits('::ffff:10.20.0.1', 3389)).toBe(true)
  expect(policy.admits('no address', 3389)).toBe(false)
})

test('a rule that is no network is a configuration error with its path', () => {
  const create = () => createTargetPolicy([{ cidr: '10.0.0.0/8' }, { cidr: 'ten' }], [])
  expect(create).toThrow(ConfigError)
  expect(create).toThrow('targets.allow.1.cidr')
})

test('keeps only the admitted addresses of a name, and looks it up once', async () => {
  const policy = createTargetPolicy([{ cidr: '10.0.0.0/8' }], [])
  const asked: string[] = []
  const lookup = async (host: string) => {
    asked.push(host)
    return ['127.0.0.1', '10.0.0.9', '10.0.0.8']
  }
  const targets = await resolveTarget({ host: 'hv1.example', port: 3389 }, policy, lookup)
  expect(targets).toEqual([
    { address: '10.0.0.9', port: 3389 },
    { address: '10.0.0.8', port: 3389 },
  ])
  expect(asked).toEqual(['hv1.example'])
})

test('refuses a name whose addresses are all forbidden, and one without an address', async () => {
  const policy = createTargetPolicy(everything, [])
  const endpoint = { host: 'hv1.example', port: 3389 }
  const loopback = resolveTarget(endpoint, policy, async () => ['127.0.0.1', '169.254.169.254'])
  await expect(loopback).rejects.toMatchObject({ reason: 'target-not-allowed' })
  const missing = resolveTarget(endpoint, policy, async () => {
    throw new Error('ENOTFOUND')
  })
  await expect(missing).rejects.toBeInstanceOf(Refusal)
  await expect(missing).rejects.toMatchObject({ reason: 'host-unreachable' })
})

test('a short or octal spelling of an address is looked up, and only what comes of it is dialled', async () => {
  const policy = createTargetPolicy([{ cidr: '10.0.0.0/8' }], [])
  for (const host of ['10.1', '0xa000001', '012.0.0.1']) {
    const targets = await resolveTarget({ host, port: 3389 }, policy, async () => ['10.0.0.1'])
    expect(targets).toEqual([{ address: '10.0.0.1', port: 3389 }])
  }
})
