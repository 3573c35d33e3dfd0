import fc from 'fast-check'
import { expect, test } from 'vitest'
import { consoleFileName } from '../../src/rdpfile/index.ts'

test('keeps what is recognisable of a name', () => {
  expect(consoleFileName('Büro Server #1', '7K3M-Q2XD')).toBe('Buro-Server-1-7K3M-Q2XD.rdp')
  expect(consoleFileName('web_01', '7K3M-Q2XD')).toBe('web_01-7K3M-Q2XD.rdp')
  expect(consoleFileName('../../etc/passwd', '7K3M-Q2XD')).toBe('etc-passwd-7K3M-Q2XD.rdp')
  expect(consoleFileName('機械', '7K3M-Q2XD')).toBe('console-7K3M-Q2XD.rdp')
})

test('any name gives a short and harmless one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
      expect(consoleFileName(name, '7K3M-Q2XD')).toMatch(
        /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,46}[A-Za-z0-9_])?-7K3M-Q2XD\.rdp$/,
      )
    }),
  )
})
