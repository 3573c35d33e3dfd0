import { lookup, lookupService } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { HostAgentConfig } from '../config/index.ts'
import { errorText, parseEndpoint, withDeadline } from '../lib/index.ts'
import { type DoctorFinding, inArea, type RoleConfig } from './doctor-finding.ts'

const LOOKUP_MS = 5_000

/** The resolver of the machine: its hosts file, then DNS. */
export interface Names {
  addresses(name: string): Promise<string[]>
  /** The name of an address, or the address when it has none. */
  nameOf(address: string): Promise<string>
  /** Addresses of this machine. */
  own(): string[]
}

export const systemNames: Names = {
  addresses: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  nameOf: async (address) => (await lookupService(address, 0)).hostname,
  own: () =>
    Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []),
}

interface Wanted {
  setting: string
  name: string
  /** It should lead to this very machine. */
  here: boolean
  /** Somebody dials it by name; otherwise it is for people, and may lead nowhere. */
  dialled: boolean
}

/** Names of farm, node and broker: forward to addresses, and from those back to the name. */
export async function examineNames(
  checked: RoleConfig,
  names: Names = systemNames,
): Promise<DoctorFinding[]> {
  const wanted = wantedNames(checked).filter(({ name }) => isIP(name) === 0)
  return (await Promise.all(wanted.map((one) => examine(one, names)))).flat()
}

async function examine({ setting, name, here, dialled }: Wanted, names: Names) {
  const { ok, warning, error } = inArea('names')
  let addresses: string[]
  try {
    addresses = await withDeadline(names.addresses(name), LOOKUP_MS, name)
  } catch (problem) {
    const message = `${name} has no address: ${errorText(problem)}`
    const fix = `add an A or AAAA record for ${name}, or put it into /etc/hosts`
    return [dialled ? error(setting, message, fix) : warning(setting, message, fix)]
  }
  const findings: DoctorFinding[] = []
  if (here && !addresses.some((address) => names.own().includes(address))) {
    const message = `${name} leads to ${addresses.join(', ')}, which this machine doesn't have`
    findings.push(
      warning(setting, message, `let the A or AAAA record of ${name} name this machine`),
    )
  }
  for (const address of addresses) {
    const back = await nameOf(address, names)
    if (back.toLowerCase() === name.toLowerCase()) {
      findings.push(ok(setting, `${name} is ${address}, and back`))
    } else {
      const have = back === address ? 'no name' : back
      const message = `${name} is ${address}, but that address has ${have}`
      findings.push(warning(setting, message, `add a PTR record: ${address} is ${name}`))
    }
  }
  return findings
}

async function nameOf(address: string, names: Names): Promise<string> {
  try {
    return await withDeadline(names.nameOf(address), LOOKUP_MS, address)
  } catch {
    // Not to be found out is not to have one.
    return address
  }
}

/** An agent that is called by its host's id is dialled by the address in the inventory, which isn't known here. */
function agentNames({ agent, host }: HostAgentConfig): Wanted[] {
  if (agent === host) return []
  return [{ setting: 'agent', name: agent, here: true, dialled: true }]
}

function wantedNames({ role, config }: RoleConfig): Wanted[] {
  const other = (setting: string, address: string): Wanted => {
    const name = parseEndpoint(address)?.host ?? address
    return { setting, name, here: false, dialled: true }
  }
  switch (role) {
    case 'broker':
      return [
        other('farm.address', config.farm.address),
        { setting: 'name', name: config.name, here: true, dialled: false },
      ]
    case 'gateway':
    case 'host-agent': {
      const own: Wanted[] =
        role === 'gateway'
          ? [{ setting: 'node', name: config.node, here: true, dialled: false }]
          : agentNames(config)
      const broker = config.control?.broker.host
      return [
        ...own,
        ...(broker === undefined
          ? []
          : [{ setting: 'control.broker', name: broker, here: false, dialled: true }]),
      ]
    }
    case 'farm':
      return [
        other('address', config.address),
        ...config.nodes.map(({ address }, index) => other(`nodes.${index}.address`, address)),
      ]
  }
}
