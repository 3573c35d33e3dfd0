import { isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'
import { normalizeHost } from '../lib/index.ts'
import {
  CONSOLE_MODES,
  HOST_KINDS,
  type HostKind,
  IDENTIFY_MODES,
  type IdentifyMode,
  MAX_ADDRESS_LENGTH,
  MAX_ID_LENGTH,
  MAX_NAME_LENGTH,
  MAX_USER_ID_LENGTH,
  NLA_SETTINGS,
  type NlaSetting,
} from '../store/index.ts'
import { TOKEN_FORMATS } from './gateway-tokens.ts'
import { formOf } from './host-names.ts'
import { hostStandingShape } from './host-state-schemas.ts'
import { pageFields } from './paging.ts'

/**
 * Shapes of the API's requests and answers. They validate, and the OpenAPI document is made from the
 * same values; a request with a field that is not here is refused.
 */

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const PRINTABLE = /^[^\p{C}]+$/u
const DNS_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*$/
const GUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

export const id = z
  .string()
  .max(MAX_ID_LENGTH)
  .regex(ID, 'need letters, digits, dots, dashes and underscores, the first a letter or digit')

const name = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(PRINTABLE, 'need printable characters')
  .meta({ description: 'For people.' })

const address = z
  .string()
  .max(MAX_ADDRESS_LENGTH, { abort: true })
  .refine(isAddress, 'need a DNS name, an IPv4 or an IPv6 address, without a port')
  .transform(normalizeHost)
  .meta({
    description: 'DNS name or literal address, without a port.',
    examples: ['hv1.example.net'],
  })

const port = z.int().min(1).max(65_535)

export const user = z
  .string()
  .min(1)
  .max(MAX_USER_ID_LENGTH)
  .regex(PRINTABLE, 'need printable characters')

/** Each once, in their usual order. */
export function roleList<Name extends string>(roles: readonly Name[], { min = 0 } = {}) {
  return z
    .array(z.enum(roles))
    .min(min)
    .max(roles.length)
    .transform((names) => roles.filter((role) => names.includes(role)))
}

export const timestamp = z.iso.datetime().meta({ description: 'RFC 3339, UTC.' })

export const tenantBody = z.strictObject({ name }).meta({ id: 'TenantBody' })
export const tenantShape = z.object({ id, name }).meta({ id: 'Tenant' })

const addressOf = (form: IdentifyMode) =>
  address.refine((text) => formOf(text) === form, `need an address in the form ${form}`).optional()

const hostNames = z.strictObject({
  fqdn: addressOf('fqdn'),
  name: addressOf('name'),
  ipv4: addressOf('ipv4'),
  ipv6: addressOf('ipv6'),
})

/** What `refine` takes: for other kinds of hosts there is nothing to choose. */
export const NLA_OF_RDP: [
  (host: { kind: HostKind; nla?: NlaSetting | undefined }) => boolean,
  { path: string[]; message: string },
] = [
  ({ kind, nla }) => kind === 'rdp' || nla === undefined,
  { path: ['nla'], message: 'only hosts of kind rdp have one' },
]

export const hostBody = z
  .strictObject({
    kind: z.enum(HOST_KINDS),
    address,
    port: port.optional().meta({ description: 'By default that of the kind: 3389, 2179, 5900.' }),
    identify: z
      .enum(IDENTIFY_MODES)
      .optional()
      .meta({ description: 'By default the form that `address` is written in.' }),
    names: hostNames.optional().meta({
      description: 'The one that `identify` asks for is looked up when it is not given, and kept.',
    }),
    pin: z
      .string()
      .max(256, { abort: true })
      .transform((text) => text.replaceAll(/[:\s]/g, '').toUpperCase())
      .pipe(z.string().regex(/^[0-9A-F]{64}$/, 'need a SHA-256 thumbprint, 64 hex digits'))
      .optional()
      .meta({ description: 'SHA-256 thumbprint that its TLS certificate has to have.' }),
    nla: z.enum(NLA_SETTINGS).optional().meta({
      description:
        '`rdp` only, by default `on`; with `off` files have clients sign in on the machine itself.',
    }),
    console: z.strictObject({
      allow: z.boolean().meta({ description: 'Consoles are refused until this is true.' }),
      mode: z.enum(CONSOLE_MODES).optional().meta({ description: '`hyperv` only.' }),
    }),
  })
  .refine(({ kind, console }) => kind === 'hyperv' || console.mode === undefined, {
    path: ['console', 'mode'],
    message: 'only hosts of kind hyperv have one',
  })
  .refine(...NLA_OF_RDP)
  .meta({ id: 'HostBody' })

const effectiveConsole = z.object({
  allow: z.boolean(),
  source: z.string().meta({
    description: '`host:ID`, or the layer of policy: `provider`, `tenant:ID`, `vm:ID`.',
    examples: ['host:hv1'],
  }),
})

export const hostShape = z
  .object({
    id,
    kind: z.enum(HOST_KINDS),
    address: z.string(),
    port,
    identify: z.enum(IDENTIFY_MODES),
    names: z
      .object({
        fqdn: z.string().optional(),
        name: z.string().optional(),
        ipv4: z.string().optional(),
        ipv6: z.string().optional(),
      })
      .optional(),
    pin: z.string().optional(),
    nla: z.enum(NLA_SETTINGS).optional(),
    console: z.object({ allow: z.boolean(), mode: z.enum(CONSOLE_MODES).optional() }),
    effectiveConsole: effectiveConsole.meta({
      description: 'What holds for machines of which no tenant and no policy of theirs says more.',
    }),
    ...hostStandingShape,
  })
  .meta({ id: 'Host' })

export const vmBody = z
  .strictObject({
    name,
    tenant: id,
    host: id,
    guid: z
      .string()
      .regex(GUID, 'need a GUID')
      .transform((text) => text.toLowerCase())
      .optional()
      .meta({ description: 'Needed on hosts of kind hyperv and agent.' }),
    address: address.optional().meta({ description: "Only where it is not the host's." }),
    port: port.optional().meta({ description: "Only where it is not the host's." }),
  })
  .meta({ id: 'VmBody' })

export const vmShape = z
  .object({
    id,
    name,
    tenant: id,
    host: id,
    guid: z.string().optional(),
    address: z.string().optional(),
    port: port.optional(),
    effectiveConsole: effectiveConsole.optional(),
  })
  .meta({ id: 'Vm' })

export const vmQuery = z.strictObject({
  tenant: id.optional().meta({ description: 'Only those of this tenant.' }),
  host: id.optional().meta({ description: 'Only those on this host.' }),
  ...pageFields,
})

export const consoleBody = z
  .strictObject({
    vm: id,
    tenant: id.optional().meta({ description: "Must be the machine's, when given." }),
    user: user.optional().meta({
      description:
        "The caller's own name for its user: the token's subject. By default the key's, or who has signed in.",
    }),
    via: z.literal('file', 'only "file" is available').optional(),
    ttlSeconds: z
      .int()
      .positive()
      .optional()
      .meta({ description: 'How long the token may be presented first, in seconds.' }),
    clientAddress: z
      .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'need an IP address or a prefix')
      .optional()
      .meta({ description: 'Only a client from here may use the token: an address or a prefix.' }),
    tokenFormat: z.enum(TOKEN_FORMATS).optional().meta({
      description:
        "By default `native`. `fedauth` is for Microsoft's gateway and names no machine: hosts of kind hyperv only.",
    }),
  })
  .meta({ id: 'ConsoleBody' })

const jti = z.string().meta({ description: "The token's name in sessions, events and logs." })

export const openedConsole = z
  .object({
    id,
    ref: z.string().meta({ description: 'What support looks up.', examples: ['7K3M-Q2XD'] }),
    jti,
    vm: id,
    expiresAt: timestamp.meta({ description: "RFC 3339, UTC: the token's `exp`." }),
    gatewayAddress: z.string().meta({ description: '`host:port`, as in the file.' }),
    gatewayToken: z.string().meta({ description: 'In this one answer only.' }),
    hostToken: z.string().optional().meta({
      description: 'Of hosts of kind agent, which verify it themselves; in the file as well.',
    }),
    fileName: z.string(),
    rdp: z.base64().meta({ description: 'The bytes of the .rdp file.' }),
  })
  .meta({ id: 'OpenedConsole' })

export const consoleShape = z
  .object({
    id,
    ref: z.string(),
    jti,
    vm: id,
    tenant: id,
    user,
    createdAt: timestamp,
    expiresAt: timestamp,
    revokedAt: timestamp.optional(),
    gatewayAddress: z.string(),
    fileName: z.string(),
  })
  .meta({ id: 'Console' })

export const publisherShape = z
  .object({
    sha1Thumbprint: z.string().meta({
      description:
        'What the group policy "Specify SHA1 thumbprints … trusted .rdp publishers" takes.',
    }),
    sha256Thumbprint: z.string(),
    subject: z.string(),
    issuer: z.string(),
    notBefore: timestamp,
    notAfter: timestamp,
    certificatePem: z.string(),
  })
  .meta({ id: 'Publisher' })

export const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).meta({
  id: 'KeySet',
  description: 'RFC 7517. Each key carries `x5t#S256`, which is how tokens name their issuer.',
})

export const problemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable: switch on this.', examples: ['not-found'] }),
    detail: z.string().meta({ description: 'One sentence for a person.' }),
    ref: z.string().meta({ description: 'What support looks up.' }),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' })

export function listOf<Item extends z.ZodType>(item: Item) {
  const next = z.string().optional().meta({ description: 'For `after`; absent on the last page.' })
  return z.object({ items: z.array(item), next })
}

export type TenantBody = z.output<typeof tenantBody>
export type HostBody = z.output<typeof hostBody>
export type VmBody = z.output<typeof vmBody>
export type ConsoleBody = z.output<typeof consoleBody>

/** A name made of digits and dots only is a mistyped IPv4 address to every resolver. */
function isAddress(text: string): boolean {
  const plain = normalizeHost(text)
  if (isIPv4(plain)) return true
  if (isIPv6(plain)) return !plain.includes('%')
  return DNS_NAME.test(plain) && !/^[\d.]+$/.test(plain)
}
