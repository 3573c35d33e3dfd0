import type { Context } from 'koa'
import type { PortalServices, Session } from '../broker/index.ts'
import { BrokerError, readSessionCookie } from '../lib/index.ts'

/** The session that the request's cookie names; absent when there is none or it has ended. */
export async function findSession(
  ctx: Context,
  services: PortalServices,
): Promise<Session | undefined> {
  const token = readSessionCookie(ctx.cookies)
  return token === undefined ? undefined : await services.readSession(token)
}

/**
 * The peer's address as the socket has it. `X-Forwarded-For` is not looked at: anyone can write it.
 *
 * @throws BrokerError `ERR_CLOSED` when the peer is gone
 */
export function remoteAddress(ctx: Context): string {
  const address = ctx.req.socket.remoteAddress
  if (address === undefined) throw new BrokerError('ERR_CLOSED', 'remoteAddress: the peer is gone')
  return address
}
