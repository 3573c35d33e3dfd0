import { BrokerError } from '../lib/index.ts'

/** One record of a CSV file. */
export interface CsvRecord {
  /** Where it begins, from 1. */
  line: number
  cells: string[]
}

/**
 * Comma-separated values, RFC 4180: cells may be quoted, and then hold commas, line ends and doubled quotes. Empty lines are
 * skipped.
 *
 * @throws BrokerError `ERR_USAGE` naming the line of a quote that is not closed, or stands inside a cell
 */
export function parseCsv(text: string): CsvRecord[] {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
  const records: CsvRecord[] = []
  const source = text.replace(/^\uFEFF/, '')
  let record: CsvRecord = { line: 1, cells: [] }
  let line = 1
  for (;;) {
    const match = cell.exec(source)
    if (match === null) {
      throw new BrokerError('ERR_USAGE', `line ${line}: a quote is not closed, or inside a cell`)
    }
    const [, quoted, plain = '', end] = match
    record.cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    line += match[0].split('\n').length - 1
    if (end === ',') continue
    if (record.cells.length > 1 || record.cells[0] !== '') records.push(record)
    if (end === '' || cell.lastIndex === source.length) return records
    record = { line, cells: [] }
  }
}
