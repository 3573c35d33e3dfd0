import { expect, test } from 'vitest'
import { checkFarm, type FarmModel, renderHaproxy } from '../../src/farm/index.ts'
import { ConfigError } from '../../src/lib/index.ts'
import { LOOPBACK, PRODUCTION, TERMINATE } from './models.ts'

test('warns of a single node and of checks that prove nothing', () => {
  expect(checkFarm(PRODUCTION)).toEqual([])
  expect(checkFarm(TERMINATE)).toEqual([])
  expect(checkFarm({ ...LOOPBACK, nodes: LOOPBACK.nodes.slice(1) })).toEqual([
    'nodes: only one, consoles end when it does; add a second',
    'caFile: missing, so health checks do not prove who answers',
  ])
})

test('refuses what breaks a rule, naming the field', () => {
  const { keepalived = expect.fail(), ...rest } = PRODUCTION
  const [lb1 = expect.fail(), lb2 = expect.fail()] = keepalived.balancers
  const node = { name: 'gw1', address: '192.0.2.21:443' }
  const many = Array.from({ length: 17 }, (_, n) => ({ ...node, name: `gw${n}` }))
  const cases: Array<[Partial<FarmModel>, string]> = [
    [{ name: '' }, 'name: have ""; need 1 to 63'],
    [{ name: 'x\nuser root' }, 'name: have "x\\nuser root"; need'],
    [{ address: 'gateway.example' }, 'address: have "gateway.example"; need host:port'],
    [{ address: 'a;b:1' }, 'address: have "a;b:1"; need host:port'],
    [{ listen: '*:443' }, 'listen: have "*:443"; need host:port'],
    [{ user: 'ha proxy' }, 'user: have "ha proxy"; need'],
    [{ caFile: "/tmp/x' verify none '" }, 'caFile: holds a quote'],
    [{ nodes: [] }, 'nodes: need 1 to 16, have 0'],
    [{ nodes: many }, 'nodes: need 1 to 16, have 17'],
    [{ nodes: [{ ...node, address: 'gw1 backup:1' }] }, 'nodes.0.address: have'],
    [{ nodes: [node, { ...node, address: 'other:1' }] }, 'nodes.1.name: is there twice'],
    [{ nodes: [node, { ...node, name: 'gw2' }] }, 'nodes.1.address: is there twice'],
    [{ keepalived: { ...keepalived, interface: 'eth0 {' } }, 'keepalived.interface: have'],
    [{ keepalived: { ...keepalived, virtualAddress: '192.0.2.10' } }, 'keepalived.virtualAddress'],
    [
      { keepalived: { ...keepalived, virtualRouterId: 256 } },
      'keepalived.virtualRouterId: have 256',
    ],
    [{ keepalived: { ...keepalived, balancers: [lb1] } }, 'keepalived.balancers: need at least 2'],
    [
      { keepalived: { ...keepalived, balancers: [lb1, { ...lb2, address: 'lb2' }] } },
      'keepalived.balancers.1.address: have lb2; need a literal address',
    ],
  ]
  for (const [changes, message] of cases) {
    const model = { ...rest, keepalived, ...changes }
    expect(() => checkFarm(model), message).toThrow(message)
    expect(() => renderHaproxy(model)).toThrow(ConfigError)
  }
})

test('refuses what belongs to the other mode, and what would leave a node unproven or without its clients', () => {
  const { certificateFile = expect.fail(), caFile: _, ...rest } = TERMINATE
  const [plain = expect.fail(), secured = expect.fail()] = TERMINATE.nodes
  const cases: Array<[FarmModel, string]> = [
    [{ ...PRODUCTION, certificateFile }, 'certificateFile: belongs to mode terminate'],
    [{ ...PRODUCTION, nodes: [secured, plain] }, 'nodes.1.tls: have false; need true'],
    [rest, 'certificateFile: missing'],
    [{ ...TERMINATE, certificateFile: "x' crt y" }, 'certificateFile: holds a quote'],
    [{ ...rest, certificateFile }, 'caFile: missing; node gw2 speaks TLS'],
    [{ ...TERMINATE, nodes: [{ ...secured, proxy: 'off' }] }, 'nodes.0.proxy: have off'],
  ]
  for (const [model, message] of cases) {
    expect(() => checkFarm(model), message).toThrow(message)
    expect(() => renderHaproxy(model)).toThrow(ConfigError)
  }
  expect(
    checkFarm({
      ...rest,
      certificateFile,
      nodes: [plain, { ...plain, name: 'gw3', address: 'gw3:1' }],
    }),
  ).toEqual([])
})
