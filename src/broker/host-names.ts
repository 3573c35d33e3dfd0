import { isIPv4, isIPv6 } from 'node:net'
import { type Endpoint, normalizeHost } from '../lib/index.ts'
import type { Host, HostNames, IdentifyMode, VmPlacement } from '../store/index.ts'
import { invalid } from './validate.ts'

/** Asks the DNS; what is not there is an empty list. */
export interface HostResolver {
  /** Literal addresses of a name. */
  addresses(name: string, family: 4 | 6): Promise<string[]>
  /** Names of a literal address. */
  names(address: string): Promise<string[]>
}

interface Identified {
  address: string
  identify?: IdentifyMode | undefined
  names?: HostNames | undefined
}

/** Reverse look-ups may give many, each of which is asked for again. */
const MAX_NAMES = 4

/** What token and file call the host. */
export function identifiedAs({ address, identify, names = {} }: Host): string {
  return names[identify] ?? address
}

/** What token and file name as the machine's console: its own address and port, or its host's. */
export function consoleTarget({ vm, host }: Pick<VmPlacement, 'vm' | 'host'>): Endpoint {
  return { host: normalizeHost(vm.address ?? identifiedAs(host)), port: vm.port ?? host.port }
}

/** The identification mode that an address is already written in. */
export function formOf(address: string): IdentifyMode {
  if (isIPv4(address)) return 'ipv4'
  if (isIPv6(address)) return 'ipv6'
  return address.includes('.') ? 'fqdn' : 'name'
}

/**
 * The names of a host, with the one that it is to be identified by: as given, else looked up.
 *
 * @throws ApiError `validation-failed` when that one is not to be had, or contradicts the address
 */
export async function completeNames(
  { address, identify, names = {} }: Identified,
  resolver: HostResolver,
): Promise<HostNames> {
  const problem = nameProblem({ address, identify, names })
  if (problem === undefined) return names
  const { kind, field, message, form } = problem
  if (kind === 'contradiction') throw invalid([{ field, message }])
  const known = { ...names, [formOf(address)]: address }
  const found = await lookUp(known, form, resolver)
  if (found !== undefined) return { ...names, [form]: found }
  throw invalid([{ field, message: `not found for ${address}: name it here` }])
}

export interface NameProblem {
  kind: 'contradiction' | 'missing'
  field: string
  message: string
  form: IdentifyMode
}

/** Why a host's names don't do as they stand. */
export function nameProblem({
  address,
  identify,
  names = {},
}: Identified): NameProblem | undefined {
  const own = formOf(address)
  const form = identify ?? own
  if (names[own] !== undefined && names[own] !== address) {
    const message = `need ${address}, which is the address, or none`
    return { kind: 'contradiction', field: `names.${own}`, message, form: own }
  }
  if (form === own || names[form] !== undefined) return undefined
  return { kind: 'missing', field: `names.${form}`, message: `needed to identify by ${form}`, form }
}

async function lookUp(
  known: HostNames,
  form: IdentifyMode,
  resolver: HostResolver,
): Promise<string | undefined> {
  if (form === 'fqdn') return known.fqdn ?? confirmedName(known, resolver)
  if (form === 'name') return (known.fqdn ?? (await confirmedName(known, resolver)))?.split('.')[0]
  const name = known.fqdn ?? known.name
  if (name === undefined) return undefined
  // The same one each time, in whatever order a server gives them.
  return (await resolver.addresses(name, form === 'ipv4' ? 4 : 6)).sort()[0]
}

/** Whoever holds an address may give it any name: only one that leads back to it counts. */
async function confirmedName(
  { ipv4, ipv6 }: HostNames,
  resolver: HostResolver,
): Promise<string | undefined> {
  const address = ipv4 ?? ipv6
  if (address === undefined) return undefined
  const family = isIPv4(address) ? 4 : 6
  for (const found of (await resolver.names(address)).slice(0, MAX_NAMES)) {
    const name = normalizeHost(found)
    if (formOf(name) !== 'fqdn') continue
    if ((await resolver.addresses(name, family)).includes(address)) return name
  }
  return undefined
}
