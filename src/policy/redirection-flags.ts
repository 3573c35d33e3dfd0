import { REDIRECTIONS, type Redirection } from './values.ts'

/** HTTP_TUNNEL_REDIR_FLAGS, [MS-TSGU] 2.2.5.3.7: each bit switches one redirection off. */
const DISABLE_ALL = 0x4000_0000
const DISABLE: Record<Redirection, number> = {
  drives: 0x01,
  printers: 0x02,
  ports: 0x04,
  clipboard: 0x08,
  pnp: 0x10,
}

/**
 * Claim `rdr` for what is allowed: 0 switches nothing off, and with nothing allowed one bit stands for those
 * that have none of their own as well. The client obeys, or doesn't: no boundary for the client's owner.
 */
export function redirectionFlags(allowed: readonly Redirection[]): number {
  if (allowed.length === 0) return DISABLE_ALL
  return REDIRECTIONS.filter((name) => !allowed.includes(name)).reduce(
    (flags, name) => flags | DISABLE[name],
    0,
  )
}
