import { text } from 'node:stream/consumers'
import { BrokerError } from '../lib/index.ts'
import { type CsvRecord, parseCsv } from './csv.ts'
import { readText } from './files.ts'

/** Sorts of rows, as the API names their lists. */
export type RowSort = 'tenants' | 'hosts' | 'vms'

type Row = Record<string, unknown>

/** Rows as the API takes them. What is wrong with one is the broker's to say. */
export interface InventoryFile {
  rows: Partial<Record<RowSort, unknown[]>>
  /** Lines on which the rows begin; CSV only. */
  lines?: number[]
}

/** Columns that a CSV file may have, in any order; a dot leads into a field. */
const COLUMNS: Record<'hosts' | 'vms', string[]> = {
  hosts: [
    ...['id', 'kind', 'address', 'port', 'identify', 'pin', 'nla'],
    ...['console.allow', 'console.mode'],
    ...['names.fqdn', 'names.name', 'names.ipv4', 'names.ipv6'],
  ],
  vms: ['id', 'name', 'tenant', 'host', 'guid', 'address', 'port'],
}

/** As many bytes as the broker takes. */
const MAX_FILE_BYTES = 8 * 1024 * 1024

/**
 * A file with rows of an inventory: JSON when it begins with a bracket or a brace, else CSV.
 *
 * @param path `-` for standard input
 * @param sort what a CSV file and a plain JSON list have rows of
 * @throws BrokerError `ERR_USAGE` for what is neither, or has columns that there are not
 */
export async function readInventoryFile(
  path: string,
  sort: 'hosts' | 'vms',
): Promise<InventoryFile> {
  const content = path === '-' ? await text(process.stdin) : readText(path, 'file')
  if (Buffer.byteLength(content) > MAX_FILE_BYTES) {
    throw new BrokerError('ERR_USAGE', `${path}: need ${MAX_FILE_BYTES} bytes or fewer`)
  }
  try {
    return parseInventory(content, sort)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new BrokerError(error.code, `${path}: ${error.message}`, { cause: error })
  }
}

/** @throws BrokerError `ERR_USAGE` */
export function parseInventory(content: string, sort: 'hosts' | 'vms'): InventoryFile {
  return /^\uFEFF?\s*[[{]/.test(content)
    ? { rows: parseJsonRows(content, sort) }
    : parseCsvRows(content, sort)
}

function parseJsonRows(content: string, sort: RowSort): InventoryFile['rows'] {
  let value: unknown
  try {
    value = JSON.parse(content.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new BrokerError('ERR_USAGE', 'is no JSON', { cause: error })
  }
  if (Array.isArray(value)) return { [sort]: value }
  const known: RowSort[] = ['tenants', 'hosts', 'vms']
  const lists = Object.entries(value ?? {})
  const wrong = lists.find(([name, rows]) => !known.some((k) => k === name) || !Array.isArray(rows))
  if (lists.length === 0 || wrong !== undefined) {
    const found = wrong === undefined ? 'nothing' : `"${wrong[0].slice(0, 40)}"`
    throw new BrokerError('ERR_USAGE', `need lists ${known.join(', ')}, have ${found}`)
  }
  return Object.fromEntries(lists)
}

function parseCsvRows(content: string, sort: 'hosts' | 'vms'): InventoryFile {
  const [header, ...records] = parseCsv(content)
  const columns = header?.cells.map((name) => name.trim()) ?? []
  const unknown = columns.find((name) => !COLUMNS[sort].includes(name))
  if (header === undefined || unknown !== undefined) {
    const found = unknown === undefined ? 'nothing' : `"${unknown.slice(0, 40)}"`
    const separated = /[;\t]/.test(unknown ?? '') ? ': commas have to separate them' : ''
    throw new BrokerError(
      'ERR_USAGE',
      `line 1: need columns of ${COLUMNS[sort].join(',')}, have ${found}${separated}`,
    )
  }
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twice !== undefined) throw new BrokerError('ERR_USAGE', `line 1: "${twice}" is there twice`)
  return {
    rows: { [sort]: records.map((record, index) => toRow(columns, record, index)) },
    lines: records.map(({ line }) => line),
  }
}

function toRow(columns: string[], { line, cells }: CsvRecord, index: number): Row {
  if (cells.length > columns.length) {
    throw new BrokerError(
      'ERR_REFUSED',
      `row ${index + 1} (line ${line}): need ${columns.length} cells or fewer, have ${cells.length}`,
    )
  }
  const row: Row = {}
  for (const [column, name] of columns.entries()) {
    const cell = cells[column]?.trim() ?? ''
    // An empty cell is a field that is left out.
    if (cell === '') continue
    const [field = '', inner] = name.split('.')
    if (inner === undefined) row[field] = toValue(name, cell)
    else row[field] = { ...Object(row[field]), [inner]: toValue(name, cell) }
  }
  return row
}

/** What is no number or no yes or no stays text, for the broker to refuse by row and field. */
function toValue(name: string, cell: string): unknown {
  if (name === 'port' && /^\d{1,9}$/.test(cell)) return Number(cell)
  if (name === 'console.allow') return { true: true, false: false }[cell.toLowerCase()] ?? cell
  return cell
}
