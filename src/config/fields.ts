import { z } from 'zod'
import { type Endpoint, parseEndpoint } from '../lib/index.ts'
import { isLiteralAddress } from './loopback.ts'

const DEFAULT_CONTROL_PORT = 8444

// Each field carries two texts: `need` completes the sentence "need …" in an error, the description says
// in one sentence what the setting is, for `config explain` and for editors.

/** A file; relative names are taken from the configuration file's directory. */
export const file = z.string().min(1).max(4096).meta({ need: 'the name of a file' })

export const pairFiles = z
  .strictObject({
    certificateFile: file
      .meta({ need: 'the name of a PEM file: certificate, then its chain' })
      .describe('Certificate, followed by its intermediate authorities.'),
    privateKeyFile: file
      .meta({ need: 'the name of a PEM file: private key in PKCS#8' })
      .describe('Private key of that certificate; for its owner alone (mode 600).'),
    passPhraseFile: file
      .meta({ need: 'the name of a file whose first line is the pass phrase of the key' })
      .exactOptional()
      .describe('Pass phrase of an encrypted private key; for its owner alone (mode 600).'),
  })
  .meta({ need: 'certificateFile and privateKeyFile' })

export type PairFiles = z.infer<typeof pairFiles>

export const farmName = z
  .string()
  .regex(/^[A-Za-z0-9]{3,24}$/)
  .meta({ need: '3 to 24 letters and digits' })

/** Broker and node names stand in tokens, logs and certificates. */
export const roleName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/)
  .meta({ need: '1 to 63 letters, digits, dots and dashes' })

/** `host:port` that clients dial; kept as text, since it is written into files as it stands. */
export const dialledAddress = z
  .string()
  .refine((text) => parseEndpoint(text) !== undefined)
  .meta({ need: 'a DNS name and a port, for example gateway.example:443' })

/** Where to listen: a literal address, so that it is plain which network it faces. */
export const listenAddress = z
  .string()
  .transform((text, context): Endpoint => {
    const endpoint = parseEndpoint(text)
    if (endpoint !== undefined && isLiteralAddress(endpoint.host)) return endpoint
    context.addIssue({ code: 'custom', input: text })
    return z.NEVER
  })
  .meta({ need: 'a literal address and a port, for example 0.0.0.0:443 or "[::]:443"' })

/** A host and a port to be compared with others, so in the one spelling that hosts have inside. */
export const hostAddress = z
  .string()
  .transform((text, context): Endpoint => {
    const endpoint = parseEndpoint(text)
    if (endpoint !== undefined) return endpoint
    context.addIssue({ code: 'custom', input: text })
    return z.NEVER
  })
  .meta({ need: 'a host and a port, for example hv1.example:2179' })

/** Where a broker's control channel listens, by its name or address; port 8444 when left out. */
export const brokerAddress = z
  .string()
  .transform((text, context): Endpoint => {
    const endpoint = parseEndpoint(text, DEFAULT_CONTROL_PORT)
    if (endpoint !== undefined) return endpoint
    context.addIssue({ code: 'custom', input: text })
    return z.NEVER
  })
  .meta({ need: 'a host, and a port where it is not 8444, for example broker.example:8444' })

/** A whole number between two bounds, both included. */
export function wholeNumber(from: number, to: number): z.ZodInt {
  return z
    .int()
    .min(from)
    .max(to)
    .meta({ need: `a whole number from ${from} to ${to}` })
}

export const yesOrNo = z.boolean().meta({ need: 'true or false' })

export const logLevel = z
  .enum(['debug', 'info', 'warn', 'error'])
  .meta({ need: 'debug, info, warn or error' })
  .default('info')
  .describe('The least serious log lines that are written.')

export const development = yesOrNo
  .default(false)
  .describe('Takes development certificates, and then listens on loopback only.')

export const leewaySeconds = wholeNumber(0, 30)
  .default(5)
  .describe('Clock difference between broker and whoever verifies that is forgiven.')

export const clientBinding = z
  .enum(['address', 'prefix', 'none'])
  .meta({ need: 'address, prefix or none' })
  .default('address')
  .describe(
    'How closely a token stays with the client that first presented it: its address, its network, or not at all.',
  )

export const REDEEM = 'How often one client may present one token.'

export const redeemRuleFields = {
  reopenSeconds: wholeNumber(0, 300)
    .default(120)
    .describe('How long after its first use a token may be presented again.'),
  maxOpenTunnels: wholeNumber(1, 16)
    .default(2)
    .describe('Tunnels that one token may have open at once.'),
  maxOpens: wholeNumber(1, 100).default(10).describe('Tunnels that one token may open in all.'),
}

export const redeemRule = z.strictObject(redeemRuleFields).prefault({}).describe(REDEEM)
