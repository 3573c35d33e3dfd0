import { z } from 'zod'
import {
  dialledAddress,
  farmName,
  file,
  listenAddress,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'

const address = z
  .string()
  .min(1)
  .max(260)
  .describe('host:port of a node, for example 192.0.2.21:443')

/** What `portcullis farm render` needs to know; the rules between its parts are the farm's own. */
export const farmSchema = z.strictObject({
  name: farmName,
  /** What clients dial. */
  address: dialledAddress,
  mode: z
    .enum(['passthrough', 'terminate'])
    .describe('passthrough or terminate')
    .default('passthrough'),
  /** What the balancer listens on; checked as an address, written as it stands. */
  listen: z
    .string()
    .refine((text) => listenAddress.safeParse(text).success)
    .describe('a literal address and a port, for example 192.0.2.10:443'),
  nodes: z
    .array(
      z
        .strictObject({
          name: roleName,
          address,
          proxy: z.enum(['off', 'required']).describe('off or required').exactOptional(),
          tls: yesOrNo.exactOptional(),
        })
        .describe('name and address of a node'),
    )
    .describe('a list of nodes, each with name and address'),
  /** Mode `terminate`: the farm's certificate, its key in the same file or beside it. */
  certificateFile: file
    .describe(
      'the name of a PEM file: certificate, then its chain, with the key in it or in a .key beside',
    )
    .exactOptional(),
  /** Authority of the nodes' certificates. */
  caFile: file.describe('the name of a PEM file: the authority of the nodes').exactOptional(),
  user: roleName.describe('an account, for example haproxy').exactOptional(),
  keepalived: z
    .strictObject({
      interface: roleName.describe('a network interface, for example eth0'),
      virtualAddress: z.string().describe('an address with its prefix, for example 192.0.2.10/24'),
      virtualRouterId: wholeNumber(1, 255),
      balancers: z
        .array(
          z
            .strictObject({
              name: roleName,
              address: z.string().describe('a literal address'),
            })
            .describe('host name and address of a balancer'),
        )
        .describe('a list of balancers, each with name and address'),
    })
    .describe('interface, virtualAddress, virtualRouterId and balancers')
    .exactOptional(),
})

export type FarmConfig = z.infer<typeof farmSchema>
