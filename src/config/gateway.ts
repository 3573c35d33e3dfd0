import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isUserText, MAX_USER_TEXT_CHARACTERS } from '../lib/index.ts'
import { refuseOpenListener } from './development.ts'
import {
  clientBinding,
  farmName,
  file,
  hostAddress,
  logLevel,
  pairFiles,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'
import { listener } from './listener.ts'
import { checkVerifier, metrics, trustFiles, verifierControl, verifierRedeem } from './verifier.ts'

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

const agents = z
  .strictObject({
    tls: pairFiles.exactOptional(),
    caFile: file
      .describe('the name of a PEM file: the certificate of the control CA')
      .exactOptional(),
    /** No TLS: whoever is on the way reads the tokens. */
    plain: yesOrNo.default(false),
  })
  .refine(({ tls, caFile }) => (tls === undefined) === (caFile === undefined), {
    path: ['caFile'],
    error: 'need tls and caFile, or neither',
  })
  .refine(({ tls, plain }) => !plain || tls === undefined, {
    path: ['plain'],
    error: 'need either tls or plain',
  })

/** What `portcullis gateway` needs to know. */
export const gatewaySchema = z
  .strictObject({
    /** This node's name in the farm. */
    node: roleName,
    farm: z.strictObject({ name: farmName }).describe('name of the farm'),
    listeners: z.array(listener).min(1).max(16).describe('1 to 16 listeners, each with an address'),
    tls: pairFiles,
    /** A node without `control` trusts these, for as long as it runs. */
    trust: trustFiles,
    control: verifierControl.exactOptional(),
    /** How host agents are dialled: with mutual TLS, by default with the certificate of `control`. */
    agents: agents.prefault({}),
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
    redeem: verifierRedeem,
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
    checkVerifier(context, { development, trust, control, metrics })
    for (const [index, { address }] of listeners.entries()) {
      refuseOpenListener(context, development, ['listeners', index, 'address'], address)
    }
  })

export type GatewayConfig = z.infer<typeof gatewaySchema>
