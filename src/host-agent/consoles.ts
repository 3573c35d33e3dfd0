import type { Endpoint } from '../lib/index.ts'
import { Refusal } from '../lib/index.ts'

/** Where a machine's console is: an RDP server on this host, or near it. */
export interface ConsolePlace {
  /** Name or literal address and port, or the path of a local socket. */
  address: Endpoint | { path: string }
  /** It reads a PROXY v2 header in front, with the client and what the agent knows of the grant. */
  proxy: boolean
}

/** The machines of this host. */
export interface Consoles {
  /**
   * @param guid lower case
   * @throws Refusal `vm-unknown` for a machine that isn't here, `host-unreachable` for one without a console now
   */
  find(guid: string): Promise<ConsolePlace>
}

/** @param places by GUID, in any case */
export function createStaticConsoles(places: Readonly<Record<string, ConsolePlace>>): Consoles {
  const byGuid = new Map(Object.entries(places).map(([guid, place]) => [guid.toLowerCase(), place]))
  return {
    async find(guid) {
      const place = byGuid.get(guid)
      if (place === undefined) throw new Refusal('vm-unknown', `${guid}: not among the consoles`)
      return place
    },
  }
}
