import { z } from 'zod'
import { type Endpoint, needWords, parseEndpoint } from '../lib/index.ts'
import { refuseOpenListener } from './development.ts'
import {
  clientBinding,
  development,
  file,
  leewaySeconds,
  listenAddress,
  logLevel,
  pairFiles,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'
import { partSchema } from './json-schema.ts'
import {
  CONTROL,
  checkVerifier,
  metrics,
  trustFiles,
  verifierControl,
  verifierRedeem,
} from './verifier.ts'

const GUID = /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/
const MAX_CONSOLES = 10_000

/** Where one machine's console is. */
export interface ConsolePlaceConfig {
  address: Endpoint | { path: string }
  /** It takes a PROXY v2 header in front. */
  proxy: boolean
}

const PLACE = 'need host:port or the path of a local socket'

const placeAddress = z.string().transform((text, context): ConsolePlaceConfig['address'] => {
  if (text.startsWith('/')) return { path: text }
  const endpoint = parseEndpoint(text)
  if (endpoint !== undefined) return endpoint
  context.addIssue({ code: 'custom', message: PLACE })
  return z.NEVER
})

const place = z
  .union(
    [
      placeAddress.transform((address): ConsolePlaceConfig => ({ address, proxy: false })),
      z
        .strictObject({
          address: placeAddress.describe('The console: host:port, or the path of a local socket.'),
          proxy: z
            .enum(['off', 'v2'])
            .default('off')
            .describe('Whether it takes a PROXY v2 header in front.'),
        })
        .transform(
          ({ address, proxy }): ConsolePlaceConfig => ({ address, proxy: proxy === 'v2' }),
        ),
    ],
    { error: `${PLACE}, or address with it and proxy: v2` },
  )
  .describe("One machine's console: host:port, the path of a local socket, or address and proxy.")

const VIRSH = 'All machines that a libvirt on this host runs; nothing else may be beside it.'

const virsh = z.strictObject({
  uri: z
    .string()
    .min(1)
    .max(1_024)
    .default('qemu:///system')
    .describe('The libvirt that virsh connects to.'),
  command: z.string().min(1).max(4_096).default('virsh').describe('Name or path of the program.'),
})

type ConsolesConfig =
  | { kind: 'virsh'; uri: string; command: string }
  | { kind: 'static'; places: Record<string, ConsolePlaceConfig> }

/** A map from GUID to place, or `virsh` alone in it. Each fault is told by its own key. */
const consoles = z
  .record(z.string(), z.unknown())
  .transform((map, context): ConsolesConfig => {
    const fault = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message })
    if ('virsh' in map) {
      const parsed = virsh.safeParse(map.virsh ?? {}, { error: needWords })
      for (const { path, message } of parsed.error?.issues ?? []) fault(['virsh', ...path], message)
      if (Object.keys(map).length > 1) fault([], 'need either virsh or a map of GUIDs')
      return { kind: 'virsh', ...(parsed.data ?? virsh.parse({})) }
    }
    const entries = Object.entries(map)
    if (entries.length === 0) fault([], 'need a GUID at least, or virsh')
    if (entries.length > MAX_CONSOLES) fault([], `need at most ${MAX_CONSOLES}`)
    const places = entries.flatMap(([guid, value]): [string, ConsolePlaceConfig][] => {
      if (!GUID.test(guid)) fault([guid], 'need the GUID of a machine as the key')
      const parsed = place.safeParse(value)
      if (parsed.success) return [[guid, parsed.data]]
      fault([guid], `${PLACE}, or address with it and proxy: v2`)
      return []
    })
    return { kind: 'static', places: Object.fromEntries(places) }
  })
  .meta({
    need: 'the console of each machine by its GUID, or virsh',
    // Its own schema takes any map, to tell each fault by its key: this is for editors.
    properties: { virsh: partSchema(virsh.nullable().describe(VIRSH)) },
    additionalProperties: partSchema(place),
  })
  .describe('Where the console of each machine is, by its GUID; or that virsh knows.')

/** What `portcullis host-agent` needs to know. */
export const hostAgentSchema = z
  .strictObject({
    agent: roleName.describe(
      "Name of this agent, as its control certificate says: the host's id or address in the inventory.",
    ),
    host: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
      .meta({ need: 'the id of this host in the inventory' })
      .describe('Id of this host in the inventory, which host tokens must name.'),
    listen: listenAddress.prefault('0.0.0.0:2179').describe('Where nodes connect.'),
    tls: z
      .strictObject({
        ...pairFiles.shape,
        caFile: file
          .meta({ need: 'the name of a PEM file: the certificate of the control CA' })
          .describe('Authority of the certificates that nodes have to show.'),
      })
      .meta({ need: 'certificateFile, privateKeyFile and caFile' })
      .exactOptional()
      .describe('What nodes are shown, and whom they have to be; that of `control` when left out.'),
    plain: yesOrNo.default(false).describe('No TLS: whoever reaches the port is taken for a node.'),
    trust: trustFiles,
    control: verifierControl.exactOptional().describe(CONTROL),
    consoles,
    clientBinding,
    leewaySeconds,
    redeem: verifierRedeem,
    limits: z
      .strictObject({
        maxConnections: wholeNumber(1, 100_000).exactOptional().describe('Connections at once.'),
        dialMs: wholeNumber(100, 60_000)
          .exactOptional()
          .describe("Connection to a machine's console."),
      })
      .prefault({})
      .describe("Caps of this agent; what is left out keeps the agent's own value."),
    metrics,
    logLevel,
    development,
  })
  .superRefine(({ development, listen, trust, control, metrics, tls, plain }, context) => {
    checkVerifier(context, { development, trust, control, metrics })
    refuseOpenListener(context, development, ['listen'], listen)
    const ways = Number(plain) + Number(tls !== undefined)
    const message = 'need tls or control for the certificate that nodes are shown, or plain: true'
    if (ways === 0 && control === undefined) {
      context.addIssue({ code: 'custom', path: ['tls'], message })
    }
    if (ways === 2) {
      context.addIssue({ code: 'custom', path: ['plain'], message: 'need either tls or plain' })
    }
  })

export type HostAgentConfig = z.infer<typeof hostAgentSchema>
