import type { Command } from 'commander'
import { z } from 'zod'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { printJson, printTable } from './output.ts'

const PATH = '/v1/revocations'

const answer = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      value: z.string().optional(),
      before: z.string(),
      until: z.string(),
      reason: z.string().optional(),
      askedBy: z.string(),
    }),
  ),
})

export function registerRevocations(token: Command): void {
  addApiOptions(
    token
      .command('revocations')
      .description('the revocations that are in force: tokens issued until then open nothing')
      .option('--json', 'the same as JSON, with all fields')
      .addHelpText('after', '\nExample:\n  portcullis token revocations'),
  ).action(list)
}

async function list({ json, ...options }: ApiOptions & { json?: boolean }): Promise<void> {
  const api = await findApi(options)
  if (json) {
    printJson(await callApi(api, 'GET', PATH, { answer: z.unknown() }))
    return
  }
  const { items } = await callApi(api, 'GET', PATH, { answer })
  printTable(
    ['REVOCATION', 'KIND', 'OF', 'ISSUED UNTIL', 'IN FORCE UNTIL', 'WHO', 'REASON'],
    items.map(({ id, kind, value = '-', before, until, askedBy, reason = '-' }) => [
      ...[id, kind, value, before, until, askedBy, reason],
    ]),
  )
}
