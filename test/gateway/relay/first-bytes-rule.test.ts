import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { firstBytesRule } from '../../../src/gateway/relay/first-bytes-rule.ts'
import { Refusal } from '../../../src/lib/index.ts'
import { encodeConnectionRequest } from '../../../src/protocol/index.ts'
import { hex } from '../../helpers/hex.ts'
import { blob } from '../../helpers/preconnection.ts'

const VM = '6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f70'
const OTHER_VM = '6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f71'
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJ2bSI6IndlYiJ9.c2lnbmF0dXJl'
const REQUEST = encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols: 3 } })
const MISMATCH = expect.objectContaining({ reason: 'vm-mismatch' })

describe('kind rdp', () => {
  const rule = firstBytesRule({ knd: 'rdp' })

  test('takes an X.224 connection request from its sixth byte on', () => {
    for (let length = 0; length <= REQUEST.length; length += 1) {
      expect(rule(REQUEST.subarray(0, length))).toBe(length >= 6)
    }
  })

  test('a preconnection blob would choose a VM that the token does not name', () => {
    expect(() => rule(blob(VM))).toThrow(MISMATCH)
  })

  test.each([
    ['TLS', '160301'],
    ['HTTP', '474554202f20485454502f312e310d0a'],
    ['another X.224 code', '0300000b02f0'],
  ])('refuses %s', (_, bytes) => {
    expect(() => rule(hex(bytes))).toThrow(expect.objectContaining({ reason: 'protocol-error' }))
  })
})

/** What each kind with VMs takes as the text of its blob, and what it does not. */
const TEXTS = {
  hyperv: {
    right: [VM, VM.toUpperCase(), `${VM};EnhancedMode=1`],
    wrong: [
      '',
      OTHER_VM,
      `{${VM}}`,
      ` ${VM}`,
      `${VM} `,
      `${VM}\n`,
      `${VM};`,
      `${VM};EnhancedMode=0`,
      `${VM};enhancedmode=1`,
      `${VM};EnhancedMode=1;`,
      `${VM};EnhancedMode=1;EnhancedMode=1`,
      `${VM};Key=1`,
      `${VM};Token=${TOKEN}`,
      `${OTHER_VM};EnhancedMode=1`,
      `${VM}\0${OTHER_VM}`,
      VM.replaceAll('-', ''),
    ],
  },
  agent: {
    right: [`${VM};Token=${TOKEN}`, `${VM.toUpperCase()};Token=${TOKEN}`],
    wrong: [
      '',
      VM,
      `${OTHER_VM};Token=${TOKEN}`,
      `{${VM}};Token=${TOKEN}`,
      `${VM};Token=`,
      `${VM};Token=a.b`,
      `${VM};Token=${TOKEN};EnhancedMode=1`,
      `${VM};EnhancedMode=1;Token=${TOKEN}`,
      `${VM};EnhancedMode=1`,
      `${VM};token=${TOKEN}`,
      `${VM};Token=${TOKEN}\n`,
      `${VM};Token=${'a'.repeat(700)}.${'b'.repeat(700)}.${'c'.repeat(700)}`,
    ],
  },
} as const

describe.each(['hyperv', 'agent'] as const)('kind %s', (knd) => {
  const rule = firstBytesRule({ knd, vmg: VM })
  const { right, wrong } = TEXTS[knd]

  test.each(right)(
    "takes the token's VM, whole at any split and with anything behind it: %s",
    (text) => {
      for (const terminators of [0, 1, 2]) {
        const bytes = blob(text, { terminators })
        for (let length = 0; length < bytes.length; length += 1) {
          expect(rule(bytes.subarray(0, length))).toBe(false)
        }
        expect(rule(bytes)).toBe(true)
        expect(rule(Buffer.concat([bytes, REQUEST]))).toBe(true)
      }
    },
  )

  test.each(wrong)('refuses %j', (text) => {
    expect(() => rule(blob(text))).toThrow(MISMATCH)
  })

  const good = right[0]
  test.each([
    ['of version 1', hex('10000000 00000000 01000000 00000000')],
    ['of version 3', blob(good, { version: 3 })],
    ['of seventeen bytes', blob(good, { cbSize: 17 })],
    ['with more text than bytes', blob(good, { cchPCB: 400 })],
    ['with bytes behind its text', blob(`${good}\0${good}`, { cchPCB: good.length + 1 })],
    ['with three terminating NULs', blob(good, { terminators: 3 })],
    ['over 4,096 bytes, by its size alone', hex('02100000')],
  ])('refuses a blob %s', (_, bytes) => {
    expect(() => rule(bytes)).toThrow(MISMATCH)
  })

  test.each([
    ['an X.224 request', REQUEST],
    ['TLS at once', hex('16030100f8010000f40303')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['zeros', Buffer.alloc(4)],
  ])('refuses %s', (_, bytes) => {
    expect(() => rule(bytes)).toThrow(MISMATCH)
  })

  test('says nothing of the text in its refusal, which may be a token', () => {
    for (const text of wrong) {
      const { message } = refusalOf(() => rule(blob(text)))
      expect(message).not.toContain('Token=')
      expect(message).not.toContain('eyJ')
    }
  })

  test('waits or refuses, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        try {
          expect(rule(noise)).toBe(false)
        } catch (error) {
          expect(error).toMatchObject({ reason: 'vm-mismatch' })
        }
      }),
    )
  })
})

test("takes the GUID of any one VM when the token names none, and the claim's letter case never matters", () => {
  const unbound = firstBytesRule({ knd: 'hyperv' })
  expect(unbound(blob(VM))).toBe(true)
  expect(unbound(blob(`${OTHER_VM};EnhancedMode=1`))).toBe(true)
  expect(() => unbound(blob('any'))).toThrow(MISMATCH)
  expect(firstBytesRule({ knd: 'hyperv', vmg: VM.toUpperCase() })(blob(VM))).toBe(true)
})

test('has no rule for a kind that no tunnel leads to', () => {
  expect(() => firstBytesRule({ knd: 'vnc' })).toThrow(
    expect.objectContaining({ reason: 'policy-denied' }),
  )
})

function refusalOf(act: () => unknown): Refusal {
  try {
    act()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('not refused')
}
