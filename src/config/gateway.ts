import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isUserText, MAX_USER_TEXT_CHARACTERS } from '../lib/index.ts'
import { refuseOpenListener } from './development.ts'
import {
  clientBinding,
  development,
  farmName,
  file,
  hostAddress,
  leewaySeconds,
  listenAddress,
  logLevel,
  pairFiles,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'
import { listener } from './listener.ts'
import {
  CONTROL,
  checkVerifier,
  metrics,
  trustFile,
  trustFiles,
  verifierControl,
  verifierRedeem,
} from './verifier.ts'

const targetRule = z
  .strictObject({
    cidr: z
      .string()
      .refine((text) => ipaddr.isValidCIDR(text) || ipaddr.isValid(text))
      .meta({ need: 'an address or a network, for example 10.20.0.0/16' })
      .describe(
        'Addresses of hosts; a single one may be one that is refused otherwise, such as loopback.',
      ),
    ports: z
      .array(wholeNumber(1, 65_535))
      .min(1)
      .max(256)
      .meta({ need: 'a list of ports; 2179, 3389 and 5900 when left out' })
      .exactOptional()
      .describe('Ports that may be dialled there; 2179, 3389 and 5900 when left out.'),
  })
  .meta({ need: 'cidr, and ports where they are others than 2179, 3389 and 5900' })

const agents = z
  .strictObject({
    tls: pairFiles
      .exactOptional()
      .describe('What the node shows to agents; the certificate of `control` when left out.'),
    caFile: file
      .meta({ need: 'the name of a PEM file: the certificate of the control CA' })
      .exactOptional()
      .describe('Authority of the certificates of agents.'),
    plain: yesOrNo
      .default(false)
      .describe('Dials agents without TLS: whoever is on the way reads the tokens.'),
  })
  .refine(({ tls, caFile }) => (tls === undefined) === (caFile === undefined), {
    path: ['caFile'],
    error: 'need tls and caFile, or neither',
  })
  .refine(({ tls, plain }) => !plain || tls === undefined, {
    path: ['plain'],
    error: 'need either tls or plain',
  })

const lab = z
  .strictObject({
    issuer: trustFile.describe(
      "Issuer of the tests' tokens, of purpose `lab`; a certificate of its own, never a broker's.",
    ),
    echoHost: listenAddress
      .meta({ need: 'a literal address and a port, for example 192.0.2.50:7007' })
      .describe('The one host that those tokens open, whatever `targets` allows or forbids.'),
  })
  .meta({ need: 'issuer and echoHost' })

/** What `portcullis gateway` needs to know. */
export const gatewaySchema = z
  .strictObject({
    node: roleName.describe("This node's name in the farm, and in its control certificate."),
    farm: z
      .strictObject({ name: farmName.describe('Name of the farm: a token has to be for it.') })
      .meta({ need: 'name of the farm' })
      .describe('The farm that this node belongs to.'),
    listeners: z
      .array(listener)
      .min(1)
      .max(16)
      .meta({ need: '1 to 16 listeners, each with an address' })
      .prefault([{ address: '0.0.0.0:443' }])
      .describe('Where clients and balancers connect.'),
    tls: pairFiles.describe(
      "Certificate and key that clients see; it carries the farm's name and the node's.",
    ),
    trust: trustFiles,
    control: verifierControl.exactOptional().describe(CONTROL),
    agents: agents
      .prefault({})
      .describe(
        'How host agents are dialled: with mutual TLS, by default with the certificate of `control`.',
      ),
    targets: z
      .strictObject({
        allow: z
          .array(targetRule)
          .min(1)
          .max(1024)
          .meta({ need: '1 to 1024 networks' })
          .describe('Networks and ports that may be dialled.'),
      })
      .meta({ need: 'allow: the networks that may be dialled' })
      .describe("Where this node may dial; what is left if an issuer's key ever leaks."),
    clientBinding,
    consentText: z
      .string()
      .refine(isUserText)
      .meta({
        need: `a text of 1 to ${MAX_USER_TEXT_CHARACTERS} characters, no control characters but line feeds`,
      })
      .exactOptional()
      .describe('What users have to agree to where no broker says otherwise.'),
    leewaySeconds,
    fedauth: z
      .strictObject({
        accept: yesOrNo.default(false).describe('Whether such tokens are taken at all.'),
        hosts: z
          .array(hostAddress)
          .max(1024)
          .meta({ need: 'a list of hosts, each with its port' })
          .default([])
          .describe(
            'Hyper-V hosts that verify a token of their own: the only ones such a token opens.',
          ),
      })
      .refine(({ accept, hosts }) => !accept || hosts.length > 0, {
        path: ['hosts'],
        error: 'need at least one host with accept',
      })
      .prefault({})
      .describe("Tokens in the format of Microsoft's Console Connect plug-in, which name no VM."),
    lab: lab
      .exactOptional()
      .describe(
        'Lets a tester in whose key no broker has, for `portcullis lab expiry --gateway`; nobody when left out.',
      ),
    redeem: verifierRedeem,
    limits: z
      .strictObject({
        maxConnections: wholeNumber(16, 1_000_000)
          .exactOptional()
          .describe('Sockets at once on all listeners, in any state.'),
        maxConnectionsPerAddress: wholeNumber(16, 1_000_000)
          .exactOptional()
          .describe('Sockets at once of one client address; three carry one tunnel at most.'),
        maxHalfOpen: wholeNumber(1, 100_000)
          .exactOptional()
          .describe('Connections that have no tunnel yet; past it, the oldest gives way.'),
        maxHalfOpenPerAddress: wholeNumber(1, 100_000)
          .exactOptional()
          .describe('The same for one client address; many tenants may share one behind NAT.'),
        maxTunnels: wholeNumber(1, 100_000)
          .exactOptional()
          .describe('Tunnels at once on this node; one at rest takes about 70 to 110 KiB.'),
        maxTunnelsPerAddress: wholeNumber(1, 100_000)
          .exactOptional()
          .describe(
            "Tunnels at once of one client address; raise it behind a balancer that hides the client's.",
          ),
        dialTimeoutMs: wholeNumber(100, 60_000)
          .exactOptional()
          .describe('Look-up and connection to a host together; clients wait 15 s.'),
        keepAliveMs: wholeNumber(1_000, 300_000)
          .exactOptional()
          .describe(
            'Silence after which the node sends KEEPALIVE; below the idle time-outs of proxies.',
          ),
      })
      .prefault({})
      .describe("Caps of this node; what is left out keeps the gateway's own value."),
    metrics,
    logLevel,
    development,
  })
  .superRefine(({ development, listeners, trust, control, metrics }, context) => {
    checkVerifier(context, { development, trust, control, metrics })
    for (const [index, { address }] of listeners.entries()) {
      refuseOpenListener(context, development, ['listeners', index, 'address'], address)
    }
  })

export type GatewayConfig = z.infer<typeof gatewaySchema>
