import type { Command } from 'commander'
import { z } from 'zod'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { registerRemove } from './inventory-remove.ts'
import { printJson, printTable, say } from './output.ts'

const tenantAnswer = z.object({ id: z.string(), name: z.string() })

type Options = ApiOptions & { json?: boolean }

export function register(program: Command): void {
  const tenant = program.command('tenant').description('the customers whose machines these are')
  addApiOptions(
    tenant
      .command('add')
      .description('a new tenant')
      .argument('<tenant>', 'its id: letters, digits, dots, dashes and underscores')
      .requiredOption('--name <text>', 'for people')
      .option('--json', 'the new tenant as JSON')
      .addHelpText('after', '\nExample:\n  portcullis tenant add acme --name "Acme Ltd"'),
  ).action(add)
  addApiOptions(
    tenant
      .command('list')
      .description('all of them')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis tenant list'),
  ).action(list)
  registerRemove(tenant, {
    noun: 'tenant',
    description: 'takes a tenant out of the inventory; its machines and users have to go first',
    example: 'acme',
    holders: (id) => `vm list --tenant ${id} and user list --tenant ${id}`,
  })
}

async function add(id: string, { name, json, ...options }: Options & { name: string }) {
  const path = `/v1/tenants/${encodeURIComponent(id)}`
  const request = { body: { name }, answer: tenantAnswer, onlyNew: true }
  const added = await callApi(await findApi(options), 'PUT', path, request)
  if (json) printJson(added)
  else say(`portcullis: tenant ${added.id} is there`)
}

async function list({ json, ...options }: Options): Promise<void> {
  const answer = z.object({ items: z.array(tenantAnswer) })
  const found = await callApi(await findApi(options), 'GET', '/v1/tenants', { answer })
  if (json) printJson(found)
  else {
    printTable(
      ['TENANT', 'NAME'],
      found.items.map(({ id, name }) => [id, name]),
    )
  }
}
