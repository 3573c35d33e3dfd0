import { Argument, type Command } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { inspectToken, REVOCATION_KINDS, type RevocationKind } from '../tokens/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { print, say } from './output.ts'
import { readToken } from './token-input.ts'

const revocationAnswer = z.object({
  id: z.string(),
  kind: z.enum(REVOCATION_KINDS),
  value: z.string().optional(),
  before: z.string(),
  endSessions: z.boolean(),
  known: z.boolean().optional(),
  openSessions: z.int().optional(),
})
type RevocationAnswer = z.output<typeof revocationAnswer>

interface Options extends ApiOptions {
  endSessions?: boolean
  reason?: string
}

export function registerRevoke(token: Command): void {
  const revoke = token
    .command('revoke')
    .description('revoke tokens that are out; prints the id of the revocation')
    .addArgument(new Argument('<kind>', 'what to name').choices(['file', ...REVOCATION_KINDS]))
    .argument('<value>', 'token or .rdp file, jti, id, thumbprint, or time for before')
    .option('--end-sessions', 'live sessions end as well')
    .option('--reason <text>', 'why, for people')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis token revoke file console.rdp\n  portcullis token revoke tenant acme --end-sessions\n  portcullis token revoke before 2026-11-21T12:00:00Z',
    )
  addApiOptions(revoke).action(run)
}

async function run(kind: string, value: string, options: Options): Promise<void> {
  const { endSessions, reason, ...access } = options
  const subject = kind === 'file' ? { kind: 'jti', value: await readJti(value) } : { kind, value }
  const revocation = await callApi(await findApi(access), 'POST', '/v1/revocations', {
    body: {
      ...subject,
      ...(endSessions === undefined ? {} : { endSessions }),
      ...(reason === undefined ? {} : { reason }),
    },
    answer: revocationAnswer,
  })
  print(revocation.id)
  say(`portcullis: ${describe(revocation)}`)
  const unknown = UNKNOWN[revocation.kind]
  if (revocation.known === false && unknown !== undefined) {
    say(`portcullis: ${unknown} ${subject.value}: revoked all the same`)
  }
}

/** What is not here may be somebody else's; more often it is a slip of the finger. */
const UNKNOWN: { [Kind in RevocationKind]?: string } = {
  jti: 'no console was minted here with the jti',
  vm: 'there is no machine',
  tenant: 'there is no tenant',
  user: 'there is no user of the portal',
}

function describe({ kind, value, before, endSessions, openSessions }: RevocationAnswer): string {
  const what = kind === 'jti' ? `the token ${value}` : `tokens issued until ${before}`
  const whose = kind === 'jti' || kind === 'before' ? '' : `, of ${kind} ${value}`
  return `revoked ${what}${whose}${describeSessions(endSessions, openSessions)}`
}

function describeSessions(endSessions: boolean, count: number | undefined): string {
  if (count === undefined) return endSessions ? '; open sessions are being ended' : ''
  const sessions = count === 1 ? '1 open session' : `${count} open sessions`
  if (endSessions) return `; ${sessions} to be ended`
  return count === 0 ? '' : `; ${sessions} stay${count === 1 ? 's' : ''} (--end-sessions)`
}

async function readJti(path: string): Promise<string> {
  const { text } = await readToken(path, 'gatewayaccesstoken')
  const claims = z.object({ jti: z.string() }).safeParse(inspectToken(text).claims)
  if (claims.success) return claims.data.jti
  throw new BrokerError('ERR_REFUSED', `${path}: the token has no jti`)
}
