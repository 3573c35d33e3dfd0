import { lookup as systemLookup } from 'node:dns/promises'

/** All addresses of a name, as literals. */
export type Lookup = (host: string) => Promise<string[]>

/** As the system resolves names for any program, its hosts file included. */
export async function lookupAll(host: string): Promise<string[]> {
  const found = await systemLookup(host, { all: true })
  return found.map(({ address }) => address)
}
