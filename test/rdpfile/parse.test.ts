import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BrokerError } from '../../src/lib/index.ts'
import { parseRdpFile, type RdpSetting, renderRdpFile } from '../../src/rdpfile/index.ts'

const expected = [
  { name: 'full address', type: 's', value: 'h:3389' },
  { name: 'Server Port', type: 'i', value: '3389' },
]

test('reads every encoding and line end that clients write', () => {
  for (const lineEnd of ['\r\n', '\n']) {
    const text = `full address:s:h:3389${lineEnd}Server Port:i:3389${lineEnd}`
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\ufeff${text}`),
      Buffer.from(`\ufeff${text}`, 'utf16le'),
      Buffer.from(text.trimEnd()),
      Buffer.from(`${lineEnd}${text}${lineEnd} ${lineEnd}`),
    ]) {
      const file = parseRdpFile(bytes)
      expect(file.settings).toEqual(expected)
      expect(file.get('SERVER PORT')).toBe('3389')
      expect(file.get('pcb')).toBeUndefined()
    }
  }
})

test('an empty file has no settings', () => {
  expect(parseRdpFile(new Uint8Array()).settings).toEqual([])
})

test('names line and setting, never the value', () => {
  const refused: Array<[string | Uint8Array, string]> = [
    ['a:s:1\nnonsense', 'line 2: need name:type:value'],
    ['a:x:1', 'line 1: need name:type:value'],
    ['a:i:one', 'line 1: a: need a decimal number'],
    ['a:b:0', 'line 1: a: need hex digits in pairs'],
    ['a:s:\u0007', 'line 1: a: holds a control character'],
    ['a:s:x\rb:s:y', 'line 1: a: holds a control character'],
    [':s:x', 'line 1: name: '],
    ['A:s:1\na:s:2', 'line 2: a is there twice'],
    [Buffer.from('a:s:1', 'utf16le'), 'file: neither UTF-8 nor UTF-16LE'],
    [new Uint8Array([0xff, 0xfe, 0x61]), 'file: broken UTF-16LE'],
    [new Uint8Array([0x61, 0x80]), 'file: broken UTF-8'],
    ['x'.repeat(262_145), 'file: 262145 bytes, may have 262144'],
    [Array.from({ length: 1001 }, (_, n) => `s${n}:i:1`).join('\n'), 'settings: may have 1000'],
  ]
  for (const [input, message] of refused) {
    const bytes = typeof input === 'string' ? Buffer.from(input) : input
    expect(() => parseRdpFile(bytes), message).toThrow(message)
  }
})

const setting: fc.Arbitrary<RdpSetting> = fc.oneof(
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,12}( [a-z]{1,12})?$/),
    type: fc.constant('s' as const),
    value: fc
      .string({ unit: 'grapheme' })
      .map((text) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '')),
  }),
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,12}$/),
    type: fc.constant('i' as const),
    value: fc.integer().map(String),
  }),
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,12}$/),
    type: fc.constant('b' as const),
    value: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('hex')),
  }),
)

test('what it writes it reads back', () => {
  fc.assert(
    fc.property(fc.uniqueArray(setting, { selector: ({ name }) => name }), (settings) => {
      const bytes = renderRdpFile(settings)
      expect(parseRdpFile(bytes).settings).toEqual(settings)
      expect(renderRdpFile(parseRdpFile(bytes).settings)).toEqual(bytes)
    }),
  )
})

test('random bytes give a file or ERR_RDP_FILE, nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.string().map(Buffer.from)), (bytes) => {
      try {
        parseRdpFile(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(BrokerError)
      }
    }),
  )
})
