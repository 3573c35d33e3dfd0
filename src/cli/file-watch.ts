import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface FileWatch {
  /** Looks once, now. */
  look(): void
  close(): void
}

/** Soon enough for a certificate, and some small files read every five seconds cost nothing. */
const LOOK_EVERY_MS = 5_000

/**
 * Calls `onChange` when one of the files has other content than before: content, since tools replace files
 * by rename, by link, or keep their times.
 *
 * @param files asked for at every look, since what a changed file names may be other files
 */
export function watchFiles(files: () => string[], onChange: () => void): FileWatch {
  let seen = digestOf(files())
  const look = (): void => {
    const names = files()
    const found = digestOf(names)
    if (found === seen) return
    // Of before it is read: a change meanwhile is found at the next look.
    seen = found
    onChange()
    // Other names since are part of this change, not another one.
    if (files().join('\n') !== names.join('\n')) seen = digestOf(files())
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return { look, close: () => clearInterval(timer) }
}

function digestOf(files: string[]): string {
  const digest = createHash('sha256')
  for (const file of files) digest.update(`${file}\n`).update(contentOf(file)).update('\n')
  return digest.digest('hex')
}

/** A file that is missing for a moment, or for good, is a change like any other. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
