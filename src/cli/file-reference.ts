import { basename } from 'node:path'
import { parseReference } from '../lib/index.ts'

/**
 * The console's reference in a file name as the broker gives it: `web-1-7K3M-Q2XD.rdp`, also where a browser has put
 * `(1)` behind it.
 *
 * @returns undefined for a file that is named otherwise
 */
export function referenceInFileName(path: string): string | undefined {
  const [, text = ''] = /([0-9A-Z]{4}-[0-9A-Z]{4})(?: ?\(\d+\))?\.rdp$/.exec(basename(path)) ?? []
  return parseReference(text)
}
