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
  .meta({ need: 'host:port of a node, for example 192.0.2.21:443' })

/** What `portcullis farm render` needs to know; the rules between its parts are the farm's own. */
export const farmSchema = z.strictObject({
  name: farmName.describe('Name of the farm.'),
  address: dialledAddress.describe('What clients dial.'),
  mode: z
    .enum(['passthrough', 'terminate'])
    .meta({ need: 'passthrough or terminate' })
    .default('passthrough')
    .describe('Where TLS ends: on the nodes (passthrough) or on the balancer (terminate).'),
  // Checked as an address, written as it stands.
  listen: z
    .string()
    .refine((text) => listenAddress.safeParse(text).success)
    .meta({ need: 'a literal address and a port, for example 192.0.2.10:443' })
    .describe('What the balancer listens on.'),
  nodes: z
    .array(
      z
        .strictObject({
          name: roleName.describe('Name of the node.'),
          address: address.describe('Where the balancer reaches it.'),
          proxy: z
            .enum(['off', 'required'])
            .meta({ need: 'off or required' })
            .exactOptional()
            .describe(
              'Whether the balancer names the client in a PROXY v2 header; as on the listener of the node.',
            ),
          tls: yesOrNo
            .exactOptional()
            .describe('Mode terminate: whether the way to the node is encrypted once more.'),
        })
        .meta({ need: 'name and address of a node' }),
    )
    .meta({ need: 'a list of nodes, each with name and address' })
    .describe('The gateway nodes.'),
  certificateFile: file
    .meta({
      need: 'the name of a PEM file: certificate, then its chain, with the key in it or in a .key beside',
    })
    .exactOptional()
    .describe("Mode terminate: the farm's certificate, its key in the same file or beside it."),
  caFile: file
    .meta({ need: 'the name of a PEM file: the authority of the nodes' })
    .exactOptional()
    .describe("Authority of the nodes' certificates."),
  user: roleName
    .meta({ need: 'an account, for example haproxy' })
    .exactOptional()
    .describe('Account that HAProxy runs as.'),
  keepalived: z
    .strictObject({
      interface: roleName
        .meta({ need: 'a network interface, for example eth0' })
        .describe('Network interface that carries the shared address.'),
      virtualAddress: z
        .string()
        .meta({ need: 'an address with its prefix, for example 192.0.2.10/24' })
        .describe('The address that the balancers share.'),
      virtualRouterId: wholeNumber(1, 255).describe('VRRP id, unique in its network.'),
      balancers: z
        .array(
          z
            .strictObject({
              name: roleName.describe('Host name of the balancer.'),
              address: z.string().meta({ need: 'a literal address' }).describe('Its own address.'),
            })
            .meta({ need: 'host name and address of a balancer' }),
        )
        .meta({ need: 'a list of balancers, each with name and address' })
        .describe('The balancers, in the order in which they take the address.'),
    })
    .meta({ need: 'interface, virtualAddress, virtualRouterId and balancers' })
    .exactOptional()
    .describe('Several balancers that share one address by VRRP.'),
})

export type FarmConfig = z.infer<typeof farmSchema>
