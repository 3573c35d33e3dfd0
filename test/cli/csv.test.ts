import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCsv } from '../../src/cli/csv.ts'

const cellsOf = (text: string) => parseCsv(text).map(({ cells }) => cells)

test('reads quoted cells with commas, quotes and line ends in them, and says where records begin', () => {
  expect(parseCsv('\uFEFFa,b\r\n"x, ""y""\nz",\r\n\r\n,q\n')).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 2, cells: ['x, "y"\nz', ''] },
    { line: 5, cells: ['', 'q'] },
  ])
  expect(parseCsv('')).toEqual([])
  expect(cellsOf('a,')).toEqual([['a', '']])
})

test.each([
  ['a,"b', 1],
  ['a\n"b"c\n', 2],
  ['a\n\nb,c"d\n', 3],
])('refuses a quote that is not closed or inside a cell: %j, line %i', (text, line) => {
  expect(() => parseCsv(text)).toThrow(`line ${line}: a quote is not closed, or inside a cell`)
})

test('reads back whatever was quoted', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'ü') })
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 })), (rows) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
      const text = rows.map((cells) => `${cells.map(quote).join(',')}\r\n`).join('')
      expect(cellsOf(text)).toEqual(rows)
    }),
  )
})
