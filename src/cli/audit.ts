import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { registerVerify } from './audit-verify.ts'
import { parseJson } from './json.ts'
import { printJson, printTable } from './output.ts'

const auditAnswer = z.object({
  items: z.array(
    z.object({
      seq: z.int(),
      time: z.string(),
      actor: z.string(),
      action: z.string(),
      subject: z.string(),
      outcome: z.string(),
      ref: z.string().optional(),
      details: z.string().optional(),
    }),
  ),
})

const MAX_DETAILS = 60
const FILTERS = ['actor', 'action', 'ref'] as const
type Filters = { [Name in (typeof FILTERS)[number]]?: string }

export function register(program: Command): void {
  const audit = program
    .command('audit')
    .description('who did what, and whether that is still whole')
  addApiOptions(
    audit
      .command('list')
      .description('the newest records, the last one at the end')
      .option('--limit <count>', 'how many, up to 1000', parseLimit, 50)
      .option('--actor <who>', 'only of key:ID, user:ID, or address:ADDRESS')
      .option('--action <operation>', 'only this operation of the API, for example putHost')
      .option('--ref <reference>', 'only with this reference, however it is spelled')
      .option('--json', 'the same as JSON, with all fields, uncut')
      .addHelpText('after', '\nExample:\n  portcullis audit list --actor key:panel --limit 20'),
  ).action(list)
  registerVerify(audit)
}

async function list({
  json,
  limit,
  ...options
}: ApiOptions & Filters & { limit: number; json?: boolean }): Promise<void> {
  const query = new URLSearchParams({ newest: 'true', limit: String(limit) })
  for (const name of FILTERS) {
    const value = options[name]
    if (value !== undefined) query.set(name, value)
  }
  const path = `/v1/audit?${query}`
  const api = await findApi(options)
  if (json) {
    printJson(await callApi(api, 'GET', path, { answer: z.unknown() }))
    return
  }
  const { items } = await callApi(api, 'GET', path, { answer: auditAnswer })
  printTable(
    ['TIME', 'RECORD', 'WHO', 'ACTION', 'ON', 'OUTCOME', 'REFERENCE', 'ASKED FOR'],
    items
      .toReversed()
      .map(({ time, seq, actor, action, subject, outcome, ref = '-', details }) => [
        ...[time, String(seq), actor, action, subject, outcome, ref],
        shorten(details),
      ]),
  )
}

/** What was asked for, as far as it fits; secrets say `[secret]` already. */
function shorten(details: string | undefined): string {
  if (details === undefined) return '-'
  const { success, data } = z.record(z.string(), z.unknown()).safeParse(parseJson(details))
  const text = success ? Object.entries(data).map(describe).join(', ') : details
  return text.length <= MAX_DETAILS ? text : `${text.slice(0, MAX_DETAILS - 1)}…`
}

function describe([name, value]: [string, unknown]): string {
  return `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`
}

function parseLimit(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 1_000) return count
  throw new InvalidArgumentError('need 1 to 1000')
}
