import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** Room → rooms it may import. A new arrow is a deliberate edit to this table. */
const MAY_IMPORT: Record<string, string[] | 'everything'> = {
  lib: [],
  protocol: ['lib'],
  certs: ['lib'],
  tokens: ['certs', 'lib'],
  rdpfile: ['certs', 'lib'],
  farm: ['lib'],
  policy: ['lib'],
  config: ['lib'],
  store: ['lib'],
  control: ['protocol', 'tokens', 'lib'],
  gateway: ['protocol', 'tokens', 'control', 'lib'],
  'host-agent': ['protocol', 'tokens', 'control', 'lib'],
  broker: ['tokens', 'rdpfile', 'certs', 'policy', 'farm', 'store', 'control', 'lib'],
  portal: ['lib'],
  client: ['protocol', 'lib'],
  demo: ['protocol', 'config', 'certs', 'lib'],
  lab: ['client', 'demo', 'tokens', 'certs', 'lib'],
  cli: 'everything',
}

/** Rooms that may import another room's types, but none of its values. */
const MAY_IMPORT_TYPES: Record<string, string[]> = { portal: ['broker'] }

/** Bytes or text in, bytes or text out: no sockets, no files, no servers. */
const PURE = ['protocol', 'tokens', 'certs', 'rdpfile', 'farm', 'policy']
const IMPURE_MODULES =
  /^(node:(net|tls|fs|fs\/promises|http|https|http2|dgram|dns|dns\/promises|child_process|worker_threads|cluster|sqlite|readline|os)|koa.*|@koa\/.*|ws|pg|kysely)$/

const src = resolve(import.meta.dirname, '../src')

interface Import {
  file: string
  specifier: string
  typeOnly: boolean
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) return sourceFiles(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?'([^']+)'|import\(\s*'([^']+)'\s*\)/gm,
  )
  return [...statements].map((match) => ({
    file,
    specifier: match[2] ?? match[3] ?? '',
    typeOnly: match[1] !== undefined,
  }))
}

function roomOf(path: string): string {
  return relative(src, path).split('/')[0] ?? ''
}

const imports = sourceFiles(src).flatMap(importsOf)

test('reads imports at all', () => {
  expect(imports.length).toBeGreaterThan(10)
})

test('every room is in the table', () => {
  const rooms = new Set(sourceFiles(src).map(roomOf))
  expect([...rooms].filter((room) => !(room in MAY_IMPORT))).toEqual([])
})

test('rooms import only the rooms they may, and only through their index', () => {
  const wrong = imports.flatMap(({ file, specifier, typeOnly }) => {
    if (!specifier.startsWith('.')) return []
    const from = roomOf(file)
    const target = resolve(dirname(file), specifier)
    const to = roomOf(target)
    if (from === to) return []
    const allowed = MAY_IMPORT[from]
    const permitted =
      allowed === 'everything' ||
      allowed?.includes(to) ||
      (typeOnly && MAY_IMPORT_TYPES[from]?.includes(to))
    const throughIndex = /\/index\.ts$/.test(target)
    if (permitted && throughIndex) return []
    return [`${relative(src, file)} imports ${specifier}`]
  })
  expect(wrong).toEqual([])
})

test('nobody imports cli', () => {
  const wrong = imports.filter(
    ({ file, specifier }) =>
      specifier.startsWith('.') &&
      roomOf(resolve(dirname(file), specifier)) === 'cli' &&
      roomOf(file) !== 'cli',
  )
  expect(wrong).toEqual([])
})

test('pure rooms import no I/O and no server library', () => {
  const wrong = imports
    .filter(({ file, specifier }) => PURE.includes(roomOf(file)) && IMPURE_MODULES.test(specifier))
    .map(({ file, specifier }) => `${relative(src, file)} imports ${specifier}`)
  expect(wrong).toEqual([])
})
