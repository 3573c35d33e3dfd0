import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { listenAddress, yesOrNo } from './fields.ts'
import { isLiteralAddress } from './loopback.ts'

/** Not everybody: who may send the header may claim to be any client. */
const network = z
  .string()
  .refine((text) => isLiteralAddress(text) || (isPrefix(text) && !text.endsWith('/0')))
  .meta({ need: 'an address or a network other than /0, for example 192.0.2.11 or 192.0.2.0/28' })

/** Where a node listens, and whose word about its clients it takes. */
export const listener = z
  .strictObject({
    address: listenAddress.describe('Where to listen.'),
    tls: yesOrNo
      .default(true)
      .describe('Whether TLS ends here; false only behind a balancer that ends it.'),
    proxy: z
      .enum(['off', 'required'])
      .meta({ need: 'off or required' })
      .default('off')
      .describe('Whether each connection begins with a PROXY v2 header, in front of TLS.'),
    from: z
      .array(network)
      .max(64)
      .meta({ need: 'a list of addresses and networks' })
      .default([])
      .describe('Balancers: the only ones who may send the header, and nobody to bind a token to.'),
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
  .meta({ need: 'address; and where a balancer names the client proxy, from and tls' })

function isPrefix(text: string): boolean {
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)
}
