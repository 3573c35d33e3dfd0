import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isUserText, MAX_USER_TEXT_CHARACTERS } from '../lib/index.ts'
import { refuseOpenListener } from './development.ts'
import {
  brokerAddress,
  clientBinding,
  farmName,
  file,
  hostAddress,
  listenAddress,
  logLevel,
  pairFiles,
  redeemRuleFields,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'
import { listener } from './listener.ts'

const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text))
  .describe('a time, for example 2026-11-21T12:00:00Z')

/** One issuer that the node trusts: a public certificate, named once more by its thumbprint. */
const trustFile = z
  .strictObject({
    certificateFile: file.describe("the name of a PEM file: the issuer's public certificate"),
    thumbprint: z
      .string()
      .min(40)
      .max(256)
      .describe('SHA-1 or SHA-256 of the certificate in hex, in quotes'),
    notBefore: instant.exactOptional(),
    notAfter: instant.exactOptional(),
  })
  .describe('certificateFile and thumbprint')

const targetRule = z
  .strictObject({
    cidr: z
      .string()
      .refine((text) => ipaddr.isValidCIDR(text) || ipaddr.isValid(text))
      .describe('an address or a network, for example 10.20.0.0/16'),
    ports: z
      .array(wholeNumber(1, 65_535))
      .min(1)
      .max(256)
      .describe('a list of ports; 2179, 3389 and 5900 when left out')
      .exactOptional(),
  })
  .describe('cidr, and ports where they are others than 2179, 3389 and 5900')

/** The broker that keeps trust and revocations and decides about redeems. */
const control = z
  .strictObject({
    broker: brokerAddress,
    tls: pairFiles,
    caFile: file.describe('the name of a PEM file: the certificate of the control CA'),
    /** Where the node keeps trust and revocations, to serve at once after a restart without a broker. */
    stateFile: file
      .describe('the name of a file that the node may write; it is made when missing')
      .exactOptional(),
    /** Trust that no broker has confirmed for so long refuses everybody. */
    maxTrustAgeHours: wholeNumber(1, 720).default(24),
  })
  .describe('broker, tls and caFile')

/** Where Prometheus asks; not a listener of the node's, since whoever reaches it is answered. */
const metrics = z
  .strictObject({
    listen: z
      .union([z.literal('off'), listenAddress])
      .describe('off, or a literal address and a port, for example 127.0.0.1:9464')
      .exactOptional(),
  })
  .prefault({})

/** What `portcullis gateway` needs to know. */
export const gatewaySchema = z
  .strictObject({
    /** This node's name in the farm. */
    node: roleName,
    farm: z.strictObject({ name: farmName }).describe('name of the farm'),
    listeners: z.array(listener).min(1).max(16).describe('1 to 16 listeners, each with an address'),
    tls: pairFiles,
    /** A node without `control` trusts these, for as long as it runs. */
    trust: z.array(trustFile).max(64).describe('1 to 64 issuers').default([]),
    control: control.exactOptional(),
    targets: z
      .strictObject({
        allow: z.array(targetRule).min(1).max(1024).describe('1 to 1024 networks'),
      })
      .describe('allow: the networks that may be dialled'),
    clientBinding,
    /** What users have to agree to where no broker says otherwise. */
    consentText: z
      .string()
      .refine(isUserText)
      .describe(
        `a text of 1 to ${MAX_USER_TEXT_CHARACTERS} characters, no control characters but line feeds`,
      )
      .exactOptional(),
    /** Clock difference to the broker that is forgiven. */
    leewaySeconds: wholeNumber(0, 30).default(5),
    /** Tokens in the format of Microsoft's Console Connect plug-in, which name no VM. */
    fedauth: z
      .strictObject({
        accept: yesOrNo.default(false),
        /** Hyper-V hosts that verify a token of their own. */
        hosts: z
          .array(hostAddress)
          .max(1024)
          .describe('a list of hosts, each with its port')
          .default([]),
      })
      .refine(({ accept, hosts }) => !accept || hosts.length > 0, {
        path: ['hosts'],
        error: 'need at least one host with accept',
      })
      .prefault({}),
    /** How often one client may present one token. */
    redeem: z
      .strictObject({
        ...redeemRuleFields,
        /** Whether the node's own memory decides when no broker answers within a second. */
        whenBrokerAway: z.enum(['local', 'refuse']).describe('local or refuse').default('local'),
      })
      .prefault({}),
    /** Caps of this node; what is left out keeps the gateway's own value. */
    limits: z
      .strictObject({
        maxConnections: wholeNumber(16, 1_000_000).exactOptional(),
        maxConnectionsPerAddress: wholeNumber(16, 1_000_000).exactOptional(),
        maxHalfOpen: wholeNumber(1, 100_000).exactOptional(),
        maxHalfOpenPerAddress: wholeNumber(1, 100_000).exactOptional(),
        maxTunnels: wholeNumber(1, 100_000).exactOptional(),
        maxTunnelsPerAddress: wholeNumber(1, 100_000).exactOptional(),
        dialTimeoutMs: wholeNumber(100, 60_000).exactOptional(),
        keepAliveMs: wholeNumber(1_000, 300_000).exactOptional(),
      })
      .prefault({}),
    metrics,
    logLevel: logLevel.default('info'),
    /** Takes development certificates, and then listens on loopback only. */
    development: yesOrNo.default(false),
  })
  .superRefine(({ development, listeners, trust, control, metrics }, context) => {
    if ((trust.length === 0) === (control === undefined)) {
      const message = 'need either trust or control: who keeps the list of issuers'
      context.addIssue({ code: 'custom', path: ['trust'], message })
    }
    if (metrics.listen !== undefined && metrics.listen !== 'off') {
      refuseOpenListener(context, development, ['metrics', 'listen'], metrics.listen)
    }
    for (const [index, { address }] of listeners.entries()) {
      refuseOpenListener(context, development, ['listeners', index, 'address'], address)
    }
  })

export type GatewayConfig = z.infer<typeof gatewaySchema>
export type TrustFile = z.infer<typeof trustFile>
