import type { Command } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { USER_ROLES } from '../store/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { collect } from './collect.ts'
import { registerRemove } from './inventory-remove.ts'
import { printJson, printTable, say } from './output.ts'
import { readPassword } from './password.ts'

/** Loose: what later versions say of a user goes back as it came. */
const userAnswer = z.looseObject({
  id: z.string(),
  tenant: z.string().optional(),
  roles: z.array(z.string()),
  disabled: z.boolean(),
})
type UserAnswer = z.output<typeof userAnswer>

/** In place of roles: all are taken away. */
const NO_ROLES = 'none'

type Options = ApiOptions & { json?: boolean }
type PasswordOptions = ApiOptions & { passwordFile?: string }
type AddOptions = PasswordOptions & { tenant?: string; role?: string[] }

export function register(program: Command): void {
  const user = program.command('user').description('who may sign in at the portal')
  addApiOptions(
    addPasswordOption(user.command('add'))
      .description('a new user')
      .argument('<user>', 'what they sign in with: a name, or a mail address')
      .option('--tenant <id>', "whose machines they see (default: none, the provider's own)")
      .option(
        '--role <name>',
        `what the provider's own may: ${USER_ROLES.join(', ')}; may be repeated`,
        collect,
      )
      .addHelpText(
        'after',
        `
Examples:
  portcullis user add ann@acme.example --tenant acme
  portcullis user add eve --role viewer --role support`,
      ),
  ).action(add)
  addApiOptions(
    user
      .command('roles')
      .description("other roles for one of the provider's own, from the next request on")
      .argument('<user>', 'what they sign in with')
      .argument('<roles...>', `${USER_ROLES.join(', ')}; or ${NO_ROLES} alone`)
      .addHelpText('after', '\nExample:\n  portcullis user roles eve support operator'),
  ).action(setRoles)
  addApiOptions(
    user
      .command('list')
      .description('all of them')
      .option('--tenant <id>', "only this tenant's")
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis user list --tenant acme'),
  ).action(list)
  addApiOptions(
    addPasswordOption(user.command('passwd'))
      .description('another password; whoever is signed in has to sign in again')
      .argument('<user>', 'what they sign in with')
      .addHelpText('after', '\nExample:\n  portcullis user passwd ann@acme.example'),
  ).action(passwd)
  addApiOptions(
    user
      .command('disable')
      .description('no more signing in; ends portal sessions, but no consoles')
      .argument('<user>', 'what they sign in with')
      .addHelpText(
        'after',
        '\nTheir consoles end with: portcullis token revoke user USER --end-sessions\n\nExample:\n  portcullis user disable ann@acme.example',
      ),
  ).action((id: string, options: ApiOptions) => changeSignIn(id, { disabled: true }, options))
  addApiOptions(
    user
      .command('enable')
      .description('may sign in again')
      .argument('<user>', 'what they sign in with')
      .addHelpText('after', '\nExample:\n  portcullis user enable ann@acme.example'),
  ).action((id: string, options: ApiOptions) => changeSignIn(id, { disabled: false }, options))
  registerRemove(user, {
    noun: 'user',
    description: 'no user any more; ends portal sessions, but no consoles',
    example: 'ann@acme.example',
  })
}

function addPasswordOption(command: Command): Command {
  return command.option(
    '--password-file <file>',
    'its first line is the password, - for standard input (default: asked for)',
  )
}

async function add(
  id: string,
  { tenant, role: roles = [], passwordFile, ...options }: AddOptions,
): Promise<void> {
  const api = await findApi(options)
  const password = await askPassword(id, passwordFile)
  const body = { password, roles, ...(tenant === undefined ? {} : { tenant }) }
  await callApi(api, 'PUT', pathOf(id), { body, answer: userAnswer, onlyNew: true })
  say(`portcullis: user ${id} may sign in`)
  if (tenant === undefined && roles.length === 0) {
    say(
      `portcullis: with neither tenant nor roles ${id} sees nothing: portcullis user roles ${id} …`,
    )
  }
}

async function passwd(id: string, { passwordFile, ...options }: PasswordOptions): Promise<void> {
  const password = await askPassword(id, passwordFile)
  const { disabled } = await change(id, { password }, options)
  const disabledStill = disabled ? '; they may still not sign in' : ''
  say(`portcullis: user ${id} has a new password, and whoever was signed in is out${disabledStill}`)
}

async function setRoles(id: string, names: string[], options: ApiOptions): Promise<void> {
  const none = names.includes(NO_ROLES)
  if (none && names.length > 1) throw new BrokerError('ERR_USAGE', `${NO_ROLES} stands alone`)
  const { roles } = await change(id, { roles: none ? [] : names }, options)
  say(`portcullis: user ${id} has ${roles.length === 0 ? 'no roles' : roles.join(', ')}`)
}

/** One field of a user; all others stay. */
async function change(id: string, fields: object, options: ApiOptions): Promise<UserAnswer> {
  const api = await findApi(options)
  const { id: _, ...known } = await callApi(api, 'GET', pathOf(id), { answer: userAnswer })
  const body = { ...known, ...fields }
  return callApi(api, 'PUT', pathOf(id), { body, answer: userAnswer })
}

async function changeSignIn(id: string, fields: object, options: ApiOptions): Promise<void> {
  const { disabled } = await change(id, fields, options)
  say(`portcullis: user ${id} ${disabled ? 'may not sign in' : 'may sign in'}`)
}

async function list({ tenant, json, ...options }: Options & { tenant?: string }): Promise<void> {
  const answer = z.object({ items: z.array(userAnswer) })
  const found = await callApi(await findApi(options), 'GET', '/v1/users', { answer })
  const items = found.items.filter((user) => tenant === undefined || user.tenant === tenant)
  if (json) {
    printJson({ items })
    return
  }
  printTable(
    ['USER', 'TENANT', 'ROLES', 'SIGN-IN'],
    items.map(({ id, tenant: of = '-', roles, disabled }) => [
      ...[id, of, roles.join(',') || '-', disabled ? 'no' : 'yes'],
    ]),
  )
}

async function askPassword(user: string, passwordFile: string | undefined): Promise<string> {
  const question = `password of ${user}`
  return (await readPassword({ passwordFile, question, twice: true })).reveal()
}

function pathOf(id: string): string {
  return `/v1/users/${encodeURIComponent(id)}`
}
