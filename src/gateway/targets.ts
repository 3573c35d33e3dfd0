import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { ConfigError, type Endpoint, errorText, Refusal } from '../lib/index.ts'
import type { BrokerAddresses } from './broker-addresses.ts'
import { type Lookup, lookupAll } from './lookup.ts'

/** One line of the node's own allow list: what is left when an issuer key leaks. */
export interface TargetRule {
  /** `10.20.0.0/16`, or one address. */
  cidr: string
  /** Ports that may be dialled there; 2179, 3389 and 5900 when absent. */
  ports?: readonly number[] | undefined
}

export interface TargetPolicy {
  /** Before `admits`: brings what is guarded by name up to date, within a second; never rejects. */
  prepare(): Promise<void>
  /** @param address a literal IPv4 or IPv6 address, never a name */
  admits(address: string, port: number): boolean
}

/** A literal address that a policy has admitted: dialled as it is, never resolved again. */
export interface Target {
  address: string
  port: number
}

/** Hyper-V's console, RDP, VNC. */
const CONSOLE_PORTS = [2179, 3389, 5900]

/** Ranges of ipaddr.js in which hosts live; any other (loopback, link-local, multicast, …) is special. */
const ORDINARY_RANGES = new Set(['unicast', 'private', 'uniqueLocal', 'carrierGradeNat'])

/** Where cloud platforms hand instance credentials to whoever connects. */
const METADATA_ADDRESSES = [
  '169.254.169.254',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
]

type Address = ipaddr.IPv4 | ipaddr.IPv6

interface Rule {
  network: Address
  prefix: number
  ports: ReadonlySet<number>
  /** The special range the rule lies in as a whole; undefined for a rule of ordinary or mixed addresses. */
  specialRange: string | undefined
}

/**
 * Default deny: an address is admitted when a rule names it with that port. A wide rule does not reach
 * special addresses: loopback, link-local, multicast and the like need a rule that lies within that
 * range, metadata services and the addresses of the node and its brokers a rule for just that address.
 *
 * @param own addresses of this node, see {@link nodeAddresses}
 * @throws ConfigError with the path of the rule that is no CIDR
 */
export function createTargetPolicy(
  allow: readonly TargetRule[],
  own: readonly string[],
  brokers?: BrokerAddresses,
): TargetPolicy {
  const rules = allow.map(readRule)
  const fixed = new Set([...METADATA_ADDRESSES, ...own].map(canonical))
  const isGuarded = (address: string): boolean =>
    fixed.has(address) || (brokers?.current.some((text) => canonical(text) === address) ?? false)
  return {
    async prepare() {
      await brokers?.refresh()
    },
    admits(text, port) {
      if (!ipaddr.isValid(text)) return false
      const address = ipaddr.process(text)
      const range = address.range()
      return rules.some((rule) => {
        if (!rule.ports.has(port) || !contains(rule, address)) return false
        if (isGuarded(canonical(text))) return rule.prefix === bitsOf(address)
        return ORDINARY_RANGES.has(range) || rule.specialRange === range
      })
    },
  }
}

/** The addresses under which others reach this machine; loopback is guarded as a range. */
export function nodeAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
}

/**
 * Resolves a name once and keeps the addresses the policy admits, in the resolver's order.
 *
 * @throws Refusal `host-unreachable` when the name has no address, `target-not-allowed` when none is admitted
 */
export async function resolveTarget(
  { host, port }: Endpoint,
  policy: TargetPolicy,
  lookup: Lookup = lookupAll,
): Promise<Target[]> {
  await policy.prepare()
  // Only what `connect` takes as it is: it would resolve `127.1` or an octal spelling once more.
  const addresses = isIP(host) === 0 ? await addressesOf(host, lookup) : [host]
  const admitted = addresses.filter((address) => policy.admits(address, port))
  if (admitted.length === 0) {
    throw new Refusal(
      'target-not-allowed',
      `${host}: no rule allows ${addresses.join(', ')} port ${port}`,
    )
  }
  return admitted.map((address) => ({ address, port }))
}

async function addressesOf(host: string, lookup: Lookup): Promise<string[]> {
  try {
    return await lookup(host)
  } catch (error) {
    throw new Refusal('host-unreachable', `${host}: ${errorText(error)}`, { cause: error })
  }
}

function readRule({ cidr, ports = CONSOLE_PORTS }: TargetRule, index: number): Rule {
  const [network, prefix] = parseCidr(cidr, `targets.allow.${index}.cidr`)
  const first = boundary(network, prefix, 0)
  const last = boundary(network, prefix, 0xff)
  const range = first.range() === last.range() ? first.range() : undefined
  return {
    network,
    prefix,
    ports: new Set(ports),
    specialRange: range !== undefined && ORDINARY_RANGES.has(range) ? undefined : range,
  }
}

function parseCidr(text: string, path: string): [Address, number] {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (!ipaddr.isValid(text)) throw new ConfigError(path, `${text} is neither a CIDR nor an address`)
  const address = ipaddr.process(text)
  return [address, bitsOf(address)]
}

function contains({ network, prefix }: Rule, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, prefix)
}

/** The first (`fill` 0) or last (`fill` 0xff) address of a network. */
function boundary(network: Address, prefix: number, fill: number): Address {
  const bytes = network.toByteArray().map((byte, index) => {
    const networkBits = Math.min(8, Math.max(0, prefix - index * 8))
    const hostMask = 0xff >> networkBits
    return (byte & ~hostMask) | (fill & hostMask)
  })
  return ipaddr.fromByteArray(bytes)
}

function bitsOf(address: Address): number {
  return address.toByteArray().length * 8
}

/** Without a zone, which is no part of the address for whoever is dialled. */
function canonical(text: string): string {
  return ipaddr.process(text.replace(/%.*$/, '')).toString()
}
