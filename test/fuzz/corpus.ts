import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const DIRECTORY = join(import.meta.dirname, 'corpus')

const entry = z.union([
  z.strictObject({ note: z.string().min(1), hex: z.string().regex(/^[0-9a-f\s]*$/) }),
  z.strictObject({ note: z.string().min(1), text: z.string() }),
])

/** One input to begin with, or one that once broke something. */
export interface CorpusEntry {
  /** What it is, and where it comes from. */
  note: string
  bytes: Buffer
}

/** `<target>.json` and `<target>.found-….json`, each a list of entries in hex or as text. */
export function loadCorpus(target: string): CorpusEntry[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name === `${target}.json` || name.startsWith(`${target}.found-`))
    .sort()
    .flatMap((name) =>
      z.array(entry).parse(JSON.parse(readFileSync(join(DIRECTORY, name), 'utf8'))),
    )
    .map((read) => ({ note: read.note, bytes: bytesOf(read) }))
}

/** Names of all targets that have a corpus. */
export function corpusNames(): string[] {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'))
  return [...new Set(names.map((name) => name.split('.')[0] ?? ''))].sort()
}

/**
 * Keeps an input that broke something: from now on every run begins with it.
 *
 * @returns the path of the new file
 */
export function keepFinding(target: string, { note, bytes }: CorpusEntry): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
  const path = join(DIRECTORY, `${target}.found-${digest}.json`)
  const text = bytes.toString()
  const isText = /^[\x20-\x7e\r\n\t]*$/.test(text)
  const content = [{ note, ...(isText ? { text } : { hex: bytes.toString('hex') }) }]
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`)
  return path
}

function bytesOf(read: z.infer<typeof entry>): Buffer {
  return 'hex' in read ? Buffer.from(read.hex.replaceAll(/\s/g, ''), 'hex') : Buffer.from(read.text)
}
