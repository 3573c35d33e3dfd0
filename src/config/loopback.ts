import ipaddr from 'ipaddr.js'

/** An IPv4 address in four decimal parts, or an IPv6 address. */
export function isLiteralAddress(host: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(host) || ipaddr.IPv6.isValid(host)
}

/** Whether only this machine can reach a listener on the address. */
export function isLoopback(address: string): boolean {
  return isLiteralAddress(address) && ipaddr.process(address).range() === 'loopback'
}
