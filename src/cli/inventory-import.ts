import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { type ApiAccess, ApiRefusal, callApi } from './api-client.ts'
import type { InventoryFile } from './inventory-file.ts'
import { print, printJson, say } from './output.ts'

const fieldValue = z.union([z.string(), z.number(), z.boolean()])

const importAnswer = z.object({
  dryRun: z.boolean(),
  created: z.int(),
  changed: z.int(),
  unchanged: z.int(),
  items: z.array(
    z.object({
      type: z.string(),
      id: z.string(),
      outcome: z.enum(['created', 'changed']),
      changes: z.array(
        z.object({ field: z.string(), from: fieldValue.optional(), to: fieldValue.optional() }),
      ),
    }),
  ),
})
type ImportItem = z.output<typeof importAnswer>['items'][number]

export interface ImportOptions {
  dryRun?: boolean
  json?: boolean
}

/**
 * Has rows imported, all of them or none, and prints what is new and what is different.
 *
 * @throws BrokerError `ERR_REFUSED` after a line for each row that is broken
 */
export async function importRows(
  api: ApiAccess,
  { rows, lines }: InventoryFile,
  { dryRun = false, json = false }: ImportOptions,
): Promise<void> {
  const answer = await send(api, { rows, ...(lines === undefined ? {} : { lines }) }, dryRun)
  if (json) {
    printJson(answer)
    return
  }
  for (const item of answer.items) print(renderItem(item))
  const { created, changed, unchanged } = answer
  const counts = `${created} created, ${changed} changed, ${unchanged} unchanged`
  say(`portcullis: ${counts}${dryRun ? ' (dry run: nothing has been)' : ''}`)
}

async function send(api: ApiAccess, { rows, lines }: InventoryFile, dryRun: boolean) {
  try {
    const body = { ...rows, dryRun }
    return await callApi(api, 'POST', '/v1/import', { body, answer: importAnswer })
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.errors.length === 0) throw error
    const { errors, ref } = error
    for (const { field, message } of errors) say(`${placeOf(field, lines)}: ${message}`)
    throw new BrokerError('ERR_REFUSED', `broken rows, nothing is imported (reference ${ref})`)
  }
}

/** `vms.5.host` as people count: `vms row 6 (line 7), host`. */
function placeOf(field: string, lines: number[] | undefined): string {
  const [, sort, index, name = ''] = /^(\w+)\.(\d+)(?:\.(.+))?$/.exec(field) ?? []
  if (sort === undefined) return field
  const line = lines?.[Number(index)]
  const row = `${sort} row ${Number(index) + 1}${line === undefined ? '' : ` (line ${line})`}`
  return name === '' ? row : `${row}, ${name}`
}

/** `+ vm web: name Web, host hv1` or `~ vm web: host hv1 -> hv2`. */
function renderItem({ type, id, outcome, changes }: ImportItem): string {
  const isNew = outcome === 'created'
  const fields = changes.map(({ field, from = 'none', to = 'none' }) =>
    isNew ? `${field} ${to}` : `${field} ${from} -> ${to}`,
  )
  return `${isNew ? '+' : '~'} ${type} ${id}: ${fields.join(', ')}`
}
