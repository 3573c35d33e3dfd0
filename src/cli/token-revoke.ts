import { Argument, type Command } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { inspectToken, REVOCATION_KINDS } from '../tokens/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { print } from './output.ts'
import { readToken } from './token-input.ts'

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
  const { id } = await callApi(await findApi(access), 'POST', '/v1/revocations', {
    body: {
      ...subject,
      ...(endSessions === undefined ? {} : { endSessions }),
      ...(reason === undefined ? {} : { reason }),
    },
    answer: z.object({ id: z.string() }),
  })
  print(id)
}

async function readJti(path: string): Promise<string> {
  const { text } = await readToken(path, 'gatewayaccesstoken')
  const claims = z.object({ jti: z.string() }).safeParse(inspectToken(text).claims)
  if (claims.success) return claims.data.jti
  throw new BrokerError('ERR_REFUSED', `${path}: the token has no jti`)
}
