import { z } from 'zod'
import { refuseOpenListener } from './development.ts'
import {
  clientBinding,
  development,
  dialledAddress,
  farmName,
  file,
  leewaySeconds,
  listenAddress,
  logLevel,
  pairFiles,
  redeemRule,
  roleName,
  wholeNumber,
  yesOrNo,
} from './fields.ts'

const lifetime = (): z.ZodInt => wholeNumber(5, 3600)

const control = z
  .strictObject({
    listen: listenAddress.prefault('0.0.0.0:8444').describe('Where the control channel listens.'),
    tls: pairFiles.describe(
      "The broker's certificate on the control channel, which has to name it as `name` does.",
    ),
    caFile: file
      .meta({ need: 'the name of a PEM file: the certificate of the control CA' })
      .describe('Authority of the certificates of nodes and agents.'),
  })
  .meta({ need: 'tls and caFile' })

/** What `portcullis broker` needs to know. */
export const brokerSchema = z
  .strictObject({
    name: roleName
      .default('broker')
      .describe(
        'Name of this broker: `iss` of the tokens it signs, and the name in its control certificate.',
      ),
    farm: z
      .strictObject({
        name: farmName.describe(
          'Name of the farm: `aud` of the tokens, the same on broker and nodes.',
        ),
        address: dialledAddress.describe('What clients dial; written into every console file.'),
      })
      .meta({ need: 'name and address of the farm' })
      .describe('The gateway farm that this broker signs tokens for.'),
    listen: listenAddress.prefault('0.0.0.0:8443').describe('Where portal and API listen.'),
    tls: pairFiles.describe('Certificate and key of portal and API.'),
    issuer: pairFiles.describe(
      'Certificate and key that sign the tokens; the key is on no other machine.',
    ),
    publisher: pairFiles
      .exactOptional()
      .describe(
        'Signs the .rdp files (RSA); without it they stay unsigned, and Windows warns of them.',
      ),
    keyDirectory: file
      .meta({ need: 'the name of a directory' })
      .exactOptional()
      .describe(
        "Where `issuer rotate` finds the next issuer; when left out, the directory of the issuer's key.",
      ),
    control: control
      .exactOptional()
      .describe(
        'The channel that nodes and agents dial, to trust, redeem and revoke by this broker; without it they are on their own.',
      ),
    store: z
      .strictObject({
        file: file
          .meta({ need: 'the name of the SQLite file; it is made when missing' })
          .describe('The SQLite file; it is made when missing, its directory is not.'),
      })
      .meta({ need: 'file' })
      .describe('Where the broker keeps everything.'),
    tokens: z
      .strictObject({
        lifetimeSeconds: lifetime()
          .default(60)
          .describe(
            'How long a token may be presented for the first time, when nobody asks for another time.',
          ),
        minLifetimeSeconds: lifetime()
          .default(5)
          .describe('The shortest lifetime that may be asked for.'),
        maxLifetimeSeconds: lifetime()
          .default(3600)
          .describe('The longest lifetime that may be asked for.'),
      })
      .refine((tokens) => tokens.lifetimeSeconds >= tokens.minLifetimeSeconds, {
        path: ['lifetimeSeconds'],
        error: 'need at least minLifetimeSeconds',
      })
      .refine((tokens) => tokens.lifetimeSeconds <= tokens.maxLifetimeSeconds, {
        path: ['lifetimeSeconds'],
        error: 'need at most maxLifetimeSeconds',
      })
      .prefault({})
      .describe('How long tokens live.'),
    minting: z
      .strictObject({
        userPerMinute: wholeNumber(1, 1_000_000)
          .default(30)
          .describe('Consoles that one user may ask for in a minute.'),
        tenantPerMinute: wholeNumber(1, 1_000_000)
          .default(300)
          .describe('Consoles that all users of one tenant may ask for in a minute.'),
        openPerUser: wholeNumber(1, 10_000)
          .default(20)
          .describe('Files that one user may have that can still be opened.'),
      })
      .prefault({})
      .describe('How many consoles may be asked for; what is past that is told to wait.'),
    clientBinding,
    leewaySeconds,
    probes: z
      .strictObject({
        everySeconds: wholeNumber(0, 3_600)
          .default(60)
          .describe('How often nodes look at each host; 0 for only when `host probe` asks.'),
      })
      .prefault({})
      .describe('How nodes look after hosts.'),
    redeem: redeemRule,
    audit: z
      .strictObject({
        keepDays: wholeNumber(1, 36_500)
          .default(365)
          .describe('How many days the audit goes back.'),
      })
      .prefault({})
      .describe('The record of who did what.'),
    portal: yesOrNo.default(true).describe('Whether there are pages for tenants next to the API.'),
    logLevel,
    development,
  })
  .superRefine(({ development, listen, control }, context) => {
    refuseOpenListener(context, development, ['listen'], listen)
    if (control === undefined) return
    refuseOpenListener(context, development, ['control', 'listen'], control.listen)
  })

export type BrokerConfig = z.infer<typeof brokerSchema>
