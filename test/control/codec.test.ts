import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeToBroker, decodeToNode, encodeMessage } from '../../src/control/codec.ts'
import type { ToBrokerMessage } from '../../src/control/to-broker.ts'
import type { ToNodeMessage } from '../../src/control/to-node.ts'
import { ProtocolError, Secret } from '../../src/lib/index.ts'

const UP: ToBrokerMessage[] = [
  { type: 'hello', protocols: [1], software: '0.1.0' },
  { type: 'trust.applied', version: 3 },
  { type: 'revocations.applied', version: 4 },
  { type: 'release', tunnel: 't-1', reason: 'killed' },
  {
    type: 'heartbeat',
    time: 1_795_000_000_000,
    trustVersion: 1,
    revocationVersion: 0,
    tunnels: ['t-1', 't-2'],
  },
  {
    type: 'heartbeat',
    time: 1_795_000_000_000,
    trustVersion: 1,
    revocationVersion: 0,
    tunnels: ['t-1'],
    usage: [
      {
        tunnel: 't-1',
        transport: 'websocket',
        takesMessages: true,
        idleSeconds: 5,
        bytesIn: 1,
        bytesOut: 2 ** 40,
      },
    ],
  },
  {
    type: 'heartbeat',
    time: 1_795_000_000_000,
    trustVersion: 0,
    revocationVersion: 0,
    tunnels: [],
    status: { state: 'degraded', reason: 'trust-stale', tunnels: 0 },
  },
  {
    type: 'event',
    event: 'session.closed',
    time: 1_795_000_000_000,
    fields: { tunnel: 't-1', jti: 'j', reason: 'client-closed', bytesIn: 1, bytesOut: 2 },
  },
  {
    type: 'probe.result',
    host: 'hv1',
    address: 'hv1.example',
    port: 3389,
    time: 1_795_000_000_000,
    state: 'wrong-port',
    reason: 'host-unreachable',
    detail: 'refuses connections to this port',
    answersOn: 3390,
    names: { reverse: ['hv2.example'], match: false },
    certificate: {
      protocol: 'TLSv1.3',
      notAfter: 1_795_000_000_000,
      sha256Thumbprint: 'A'.repeat(64),
      namesHost: true,
    },
  },
]

const DOWN: ToNodeMessage[] = [
  { type: 'welcome', protocol: 1, broker: 'broker', time: 1_795_000_000_000 },
  {
    type: 'trust',
    version: 7,
    asOf: 1_795_000_000_000,
    issuers: [{ certificatePem: 'PEM', sha256Thumbprint: 'A'.repeat(64), purpose: 'gateway' }],
  },
  {
    type: 'revocations',
    version: 2,
    after: 1,
    items: [{ id: 'r1', kind: 'vm', value: 'vm1', at: 1, until: 2, endSessions: true }],
  },
  { type: 'redeem.answer', request: 1, ok: true },
  { type: 'redeem.answer', request: 3, ok: true, consentText: 'Line one\nline two' },
  { type: 'redeem.answer', request: 2, ok: false, reason: 'token-replayed' },
  { type: 'heartbeat.answer', time: 1, trustVersion: 2, revocationVersion: 3 },
  {
    type: 'heartbeat.answer',
    time: 1,
    trustVersion: 2,
    revocationVersion: 3,
    drain: { deadline: 600_001, message: 'New cables.' },
  },
  { type: 'kill', by: { vm: 'vm1' }, reason: 'killed' },
  { type: 'message', by: { tunnel: 't-1' }, text: 'Maintenance at ten.\nSave your work.' },
  {
    type: 'probe',
    hosts: [
      { id: 'hv1', kind: 'rdp', address: '192.0.2.10', port: 3389, pin: 'A'.repeat(64) },
      {
        ...{ id: 'hv2', kind: 'hyperv', address: 'hv2.example', port: 2179 },
        guid: '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
      },
    ],
    urgent: true,
  },
]

test.each(UP)('a node says $type and the broker reads the same', (message) => {
  expect(decodeToBroker(encodeMessage(message))).toEqual(message)
})

test.each(DOWN)('a broker says $type and the node reads the same', (message) => {
  expect(decodeToNode(encodeMessage(message))).toEqual(message)
})

test('a redeem carries its token, which is a secret again at the other end', () => {
  const text = encodeMessage({
    type: 'redeem',
    request: 1,
    token: new Secret('a.b.c'),
    clientAddress: '192.0.2.7',
    tunnel: 't-1',
  })
  const message = decodeToBroker(text)
  if (message.type !== 'redeem') throw new TypeError(message.type)
  expect(message.token).toBeInstanceOf(Secret)
  expect(message.token.reveal()).toBe('a.b.c')
  expect(JSON.stringify(message)).not.toContain('a.b.c')
})

test('fields that a newer peer adds are dropped', () => {
  const text = JSON.stringify({ ...UP[1], colour: 'blue' })
  expect(decodeToBroker(text)).toEqual(UP[1])
})

test.each([
  ['no JSON', '{"type":"hello"'],
  ['no object', '"hello"'],
  ['an unknown type', '{"type":"dance"}'],
  ['a missing field', '{"type":"release"}'],
  ['a field of another type', '{"type":"release","tunnel":7}'],
  ['a name with other characters', '{"type":"release","tunnel":"a b"}'],
  ['a version below zero', '{"type":"trust.applied","version":-1}'],
  ['an unknown event', '{"type":"event","event":"node.joined","time":1,"fields":{}}'],
  ['an unknown reason', '{"type":"release","tunnel":"t","reason":"bored"}'],
  [
    'a token that is too long',
    JSON.stringify({
      type: 'redeem',
      request: 1,
      token: 'x'.repeat(4097),
      clientAddress: '192.0.2.7',
      tunnel: 't',
    }),
  ],
  [
    'too many tunnels',
    JSON.stringify({ ...UP[4], tunnels: Array.from({ length: 4097 }, () => 't') }),
  ],
  [
    'too many tunnels and what they use',
    JSON.stringify({
      ...UP[4],
      usage: Array.from({ length: 1025 }, () => ({
        ...{ tunnel: 't', transport: 'http', takesMessages: false },
        ...{ idleSeconds: 0, bytesIn: 0, bytesOut: 0 },
      })),
    }),
  ],
  [
    "a host's text that steers a terminal",
    JSON.stringify({ ...UP[8], detail: 'answers as \u001b[2J' }),
  ],
  [
    'a certificate of no thumbprint',
    JSON.stringify({
      ...UP[8],
      certificate: { protocol: 'TLSv1.3', notAfter: 1, namesHost: true },
    }),
  ],
])('a broker refuses %s', (_, text) => {
  expect(() => decodeToBroker(text)).toThrow(ProtocolError)
})

test.each([
  [
    'an unknown kind of revocation',
    '{"type":"revocations","version":1,"items":[{"id":"r","kind":"colour","value":"v","at":1,"until":2,"endSessions":true}]}',
  ],
  ['a kill of two things', '{"type":"kill","by":{"vm":"a","jti":"b"},"reason":"killed"}'],
  ['a kill of nothing', '{"type":"kill","by":{},"reason":"killed"}'],
  ['a refusal without a reason', '{"type":"redeem.answer","request":1,"ok":false}'],
  [
    'a consent text that clears the screen',
    '{"type":"redeem.answer","request":1,"ok":true,"consentText":"\\u001bc"}',
  ],
  [
    'a drain whose message clears the screen',
    '{"type":"heartbeat.answer","time":1,"trustVersion":1,"revocationVersion":1,"drain":{"deadline":2,"message":"\\u001bc"}}',
  ],
  [
    'a drain whose message has 501 characters',
    JSON.stringify({
      ...{ type: 'heartbeat.answer', time: 1, trustVersion: 1, revocationVersion: 1 },
      drain: { deadline: 2, message: 'x'.repeat(501) },
    }),
  ],
  [
    "an issuer for a laboratory, which is for a node's own file to say",
    JSON.stringify({
      ...{ type: 'trust', version: 1, asOf: 1 },
      issuers: [{ certificatePem: '', sha256Thumbprint: 'A'.repeat(64), purpose: 'lab' }],
    }),
  ],
  [
    'more than 64 issuers',
    JSON.stringify({
      ...{ type: 'trust', version: 1, asOf: 1 },
      issuers: Array.from({ length: 65 }, () => ({
        ...{ certificatePem: '', sha256Thumbprint: 'A'.repeat(64), purpose: 'gateway' },
      })),
    }),
  ],
  [
    'more than 20,000 revocations',
    JSON.stringify({
      ...{ type: 'revocations', version: 1 },
      items: Array.from({ length: 20_001 }, () => ({
        ...{ id: 'r', kind: 'vm', value: 'v', at: 1, until: 2, endSessions: false },
      })),
    }),
  ],
  [
    'more than 256 hosts to probe',
    JSON.stringify({
      type: 'probe',
      hosts: Array.from({ length: 257 }, () => ({
        ...{ id: 'hv1', kind: 'rdp', address: '192.0.2.10', port: 3389 },
      })),
    }),
  ],
  ['a message without a text', '{"type":"message","by":{"vm":"a"},"text":""}'],
  [
    'a message of 1,025 characters',
    JSON.stringify({ type: 'message', by: { vm: 'a' }, text: 'x'.repeat(1025) }),
  ],
  ['what only nodes say', '{"type":"release","tunnel":"t"}'],
])('a node refuses %s', (_, text) => {
  expect(() => decodeToNode(text)).toThrow(ProtocolError)
})

test('errors name the field and never quote the text', () => {
  const token = 'secret-token'
  const texts = [`{"token":"${token}`, JSON.stringify({ type: 'redeem', token, tunnel: token })]
  for (const text of texts) {
    expect(() => decodeToBroker(text)).toThrow(/^CONTROL\.\w+: (?!.*secret-token)/)
  }
})

test('any text gives a message or a ProtocolError', () => {
  const sane = fc.constantFrom(...[...UP, ...DOWN].map(encodeMessage))
  const mutated = fc.tuple(sane, fc.nat(), fc.string({ maxLength: 4 })).map(([text, at, put]) => {
    const index = at % text.length
    return text.slice(0, index) + put + text.slice(index + 1)
  })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.json(), fc.string()), (text) => {
      for (const decode of [decodeToBroker, decodeToNode]) {
        try {
          decode(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }
    }),
  )
})
