import { z } from 'zod'
import { refuseOpenListener } from './development.ts'
import {
  clientBinding,
  dialledAddress,
  farmName,
  file,
  listenAddress,
  logLevel,
  pairFiles,
  redeemRule,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'

const lifetime = (): z.ZodInt => wholeNumber(5, 3600)

/** Where nodes and agents dial in. */
const control = z
  .strictObject({
    listen: listenAddress,
    tls: pairFiles,
    caFile: file.describe('the name of a PEM file: the certificate of the control CA'),
  })
  .describe('listen, tls and caFile')

/** What `portcullis broker` needs to know. */
export const brokerSchema = z
  .strictObject({
    /** `iss` of the tokens it signs. */
    name: roleName.default('broker'),
    farm: z
      .strictObject({ name: farmName, address: dialledAddress })
      .describe('name and address of the farm'),
    /** Portal and API. */
    listen: listenAddress,
    tls: pairFiles,
    issuer: pairFiles,
    /** Signs the `.rdp` files (RSA); without it they stay unsigned, and Windows warns of them. */
    publisher: pairFiles.exactOptional(),
    /** Where `issuer rotate` finds the next issuer; by default the directory of the issuer's key. */
    keyDirectory: file.describe('the name of a directory').exactOptional(),
    /** Nodes that trust, redeem and revoke by this broker; without it they are on their own. */
    control: control.exactOptional(),
    store: z
      .strictObject({ file: file.describe('the name of the SQLite file; it is made when missing') })
      .describe('file'),
    /** How long a token lives when nobody asks, and what may be asked for. */
    tokens: z
      .strictObject({
        lifetimeSeconds: lifetime().default(60),
        minLifetimeSeconds: lifetime().default(5),
        maxLifetimeSeconds: lifetime().default(3600),
      })
      .refine((tokens) => tokens.lifetimeSeconds >= tokens.minLifetimeSeconds, {
        path: ['lifetimeSeconds'],
        error: 'need at least minLifetimeSeconds',
      })
      .refine((tokens) => tokens.lifetimeSeconds <= tokens.maxLifetimeSeconds, {
        path: ['lifetimeSeconds'],
        error: 'need at most maxLifetimeSeconds',
      })
      .prefault({}),
    /** How many consoles may be asked for; what is past that is told to wait. */
    minting: z
      .strictObject({
        userPerMinute: wholeNumber(1, 1_000_000).default(30),
        tenantPerMinute: wholeNumber(1, 1_000_000).default(300),
        openPerUser: wholeNumber(1, 10_000).default(20),
      })
      .prefault({}),
    clientBinding,
    /** Clock difference to the nodes that is forgiven. */
    leewaySeconds: wholeNumber(0, 30).default(5),
    /** How often nodes look at each host; 0 for only when `host probe` asks. */
    probes: z.strictObject({ everySeconds: wholeNumber(0, 3_600).default(60) }).prefault({}),
    /** How often one client may present one token; for nodes that ask this broker. */
    redeem: redeemRule,
    /** How many days the audit goes back. */
    audit: z.strictObject({ keepDays: wholeNumber(1, 36_500).default(365) }).prefault({}),
    /** Pages for tenants next to the API. */
    portal: yesOrNo.default(true),
    logLevel: logLevel.default('info'),
    /** Takes development certificates, and then listens on loopback only. */
    development: yesOrNo.default(false),
  })
  .superRefine(({ development, listen, control }, context) => {
    refuseOpenListener(context, development, ['listen'], listen)
    if (control === undefined) return
    refuseOpenListener(context, development, ['control', 'listen'], control.listen)
  })

export type BrokerConfig = z.infer<typeof brokerSchema>
