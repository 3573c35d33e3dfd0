import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { listenAddress, yesOrNo } from './fields.ts'
import { isLiteralAddress } from './loopback.ts'

/** Not everybody: who may send the header may claim to be any client. */
const network = z
  .string()
  .refine((text) => isLiteralAddress(text) || (isPrefix(text) && !text.endsWith('/0')))
  .describe('an address or a network other than /0, for example 192.0.2.11 or 192.0.2.0/28')

/** Where a node listens, and whose word about its clients it takes. */
export const listener = z
  .strictObject({
    address: listenAddress,
    tls: yesOrNo.default(true),
    /** Each connection begins with a PROXY v2 header, in front of TLS. */
    proxy: z.enum(['off', 'required']).describe('off or required').default('off'),
    /** Balancers: the only ones who may send the header, and nobody to bind a token to. */
    from: z.array(network).max(64).describe('a list of addresses and networks').default([]),
  })
  .superRefine(({ tls, proxy, from }, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (!tls && proxy === 'off') {
      fault('tls', 'need true, or proxy: required with the balancers that end TLS in from')
    }
    if (proxy === 'required' && from.length === 0) {
      fault('from', 'need the addresses of the balancers with proxy: required')
    }
  })
  .describe('address; and where a balancer names the client proxy, from and tls')

function isPrefix(text: string): boolean {
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)
}
