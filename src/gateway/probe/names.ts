import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { normalizeHost } from '../../lib/index.ts'
import type { Lookup } from '../lookup.ts'
import { type Patience, patiently } from './exchange.ts'
import { toShown } from './shown.ts'

/** Names of a literal address; none is an error. */
export type ReverseLookup = (address: string) => Promise<string[]>

export interface HostNames {
  /** What reverse look-up calls the dialled address. */
  reverse: string[]
  /** The host is known by one of them, or one of them leads back to its address. */
  match: boolean
}

const MAX_NAMES = 8

/** One question, not the minutes that a dead name server may take. */
export function reverseLookup(timeoutMs: number): ReverseLookup {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 })
  return (address) => resolver.reverse(address)
}

/**
 * Compares forward with reverse look-up: a record of either that was forgotten sends consoles to the wrong host.
 *
 * @param known name or literal address of the host's record
 * @param dialled the literal address behind it
 * @returns undefined when there is no reverse record, which is no mistake
 * @throws the signal's reason
 */
export async function compareNames(
  known: string,
  dialled: string,
  { lookup, reverse, ...patience }: Patience & { lookup: Lookup; reverse: ReverseLookup },
): Promise<HostNames | undefined> {
  try {
    const found = (await patiently(reverse(dialled), patience)).slice(0, MAX_NAMES)
    const names = found.flatMap((name) => toShown(normalizeHost(name)) ?? [])
    if (names.length === 0) return undefined
    const match =
      isIP(known) === 0
        ? names.some((name) => isSameName(name, known))
        : await leadsBack(names, dialled, lookup, patience)
    return { reverse: names, match }
  } catch {
    patience.signal.throwIfAborted()
    return undefined
  }
}

/** A name without a dot is completed by the resolver, so its first label is what can be compared. */
function isSameName(name: string, known: string): boolean {
  return name === known || (!known.includes('.') && name.split('.')[0] === known)
}

async function leadsBack(
  names: readonly string[],
  address: string,
  lookup: Lookup,
  patience: Patience,
): Promise<boolean> {
  const found = await Promise.all(
    names.map((name) => patiently(lookup(name), patience).catch(() => [])),
  )
  return found.flat().includes(address)
}
