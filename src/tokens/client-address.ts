import ipaddr from 'ipaddr.js'

/** How closely a token stays with the client that first presented it. */
export type ClientBinding = 'address' | 'prefix' | 'none'

/**
 * Leading bits that have to be equal. An IPv6 client is a /64 even for `address`, since it changes its
 * lower half by itself (RFC 8981). `prefix` is for clients behind address pools: a /24, or the /56 that
 * providers commonly delegate to one customer.
 */
const BITS = {
  address: { ipv4: 32, ipv6: 64 },
  prefix: { ipv4: 24, ipv6: 56 },
} as const

/** An IPv4 address in its only canonical spelling, which most clients have: it needs no library. */
const CANONICAL_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/**
 * The text that is equal for two addresses which count as the same client.
 *
 * @returns undefined when the address is none
 */
export function clientKey(address: string, binding: ClientBinding): string | undefined {
  if (binding === 'none') return ''
  if (binding === 'address' && CANONICAL_IPV4.test(address)) return `${address}/32`
  const parsed = parseAddress(address)
  if (parsed === undefined) return undefined
  const bits = BITS[binding][parsed.kind()]
  const cidr = `${parsed.toString()}/${bits}`
  const network =
    parsed.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
      : ipaddr.IPv6.networkAddressFromCIDR(cidr)
  return `${network.toString()}/${bits}`
}

/**
 * Canonical text of an address: IPv4 in IPv6 (`::ffff:192.0.2.1`) unmapped, no zone, shortest form.
 *
 * @returns undefined when the address is none
 */
export function normalizeAddress(address: string): string | undefined {
  return CANONICAL_IPV4.test(address) ? address : parseAddress(address)?.toString()
}

/** Whether the text is an address or a CIDR prefix, as the claim `cip` carries. */
export function isAddressOrPrefix(text: string): boolean {
  return parsePrefix(text) !== undefined
}

/** Whether the address is inside the address or prefix of `cip`; false when either is none. */
export function isInside(address: string, prefixText: string): boolean {
  const parsed = parseAddress(address)
  const prefix = parsePrefix(prefixText)
  if (parsed === undefined || prefix === undefined) return false
  return parsed.kind() === prefix[0].kind() && parsed.match(prefix)
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

function parsePrefix(text: string): [Address, number] | undefined {
  const address = parseAddress(text)
  if (address !== undefined) return [address, address.kind() === 'ipv4' ? 32 : 128]
  const plain = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)
  return plain ? ipaddr.parseCIDR(text) : undefined
}

/** Only the four-part decimal form of IPv4: `0x7f.1` and `127.1` are addresses to the library as well. */
function parseAddress(text: string): Address | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.process(text)
  if (address instanceof ipaddr.IPv6) return new ipaddr.IPv6(address.parts)
  return address
}
