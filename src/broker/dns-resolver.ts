import { Resolver } from 'node:dns/promises'
import type { HostResolver } from './host-names.ts'

const QUERY_TIMEOUT_MS = 1_000
const TRIES = 2

/**
 * The DNS servers of this machine, asked directly: the system's own look-up would wait in the threads that sign tokens.
 * Short names have no domain put behind them.
 *
 * @param servers `address:port` of others
 */
export function createDnsResolver({ servers }: { servers?: string[] } = {}): HostResolver {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES })
  if (servers !== undefined) resolver.setServers(servers)
  // Not there, no answer, no server: nothing is known of it.
  const orNone = async (ask: () => Promise<string[]>) => ask().catch((): string[] => [])
  return {
    addresses: (name, family) =>
      orNone(() => (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name))),
    names: (address) => orNone(() => resolver.reverse(address)),
  }
}
