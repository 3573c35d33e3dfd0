import { type Command, Option } from 'commander'
import { z } from 'zod'
import { BrokerError, errorText, faultWords, parseEndpoint, Secret } from '../lib/index.ts'
import {
  type ConsoleFileInput,
  createPublisher,
  type Publisher,
  renderConsoleFile,
  signRdpFile,
} from '../rdpfile/index.ts'
import { inspectToken, parsePreconnectionText } from '../tokens/index.ts'
import { readSecretText, readText } from './files.ts'
import { KEY_PASSWORD_FILE, readKeyFile } from './key-file.ts'
import { print } from './output.ts'
import { writePrivately } from './private-file.ts'

const KINDS = ['rdp', 'hyperv', 'agent'] as const

/** The same settings as the options, for scripts that have them as JSON. */
const settingsSchema = z.strictObject({
  kind: z.enum(KINDS).optional(),
  host: z.string().optional(),
  port: z.int().min(1).max(65_535).optional(),
  gatewayAddress: z.string().optional(),
  vmg: z.string().optional(),
  enhancedMode: z.boolean().optional(),
  reconnect: z.boolean().optional(),
  networkLevelAuthentication: z.boolean().optional(),
})
type Settings = z.infer<typeof settingsSchema>

interface Options {
  tokenFile: string
  hostToken?: string
  endpointFedauth?: string
  input?: string
  gateway?: string
  target?: string
  kind?: (typeof KINDS)[number]
  vmGuid?: string
  enhancedMode?: boolean
  reconnect?: boolean
  nla: boolean
  publisherCertificate?: string
  publisherKey?: string
  keyPasswordFile?: string
  out?: string
}

export function register(rdp: Command): void {
  rdp
    .command('render')
    .description('writes a console file for a token; what is not given is taken from the token')
    .requiredOption('--token-file <file>', 'gateway token, - for standard input')
    .option(
      '--host-token <file>',
      'GUID;Token=… as `token mint --format host` writes it; kind agent needs it',
    )
    .option(
      '--endpoint-fedauth <file>',
      "token for a Hyper-V host itself, made elsewhere: VMM's VMToken; kind hyperv only",
    )
    .option(
      '--input <file>',
      'JSON with kind, host, port, gatewayAddress, vmg, enhancedMode, reconnect',
    )
    .option('--gateway <host:port>', 'farm address that clients dial')
    .option('--target <host:port>', "hypervisor host (default: the token's dst)")
    .addOption(new Option('--kind <kind>', "host kind (default: the token's knd)").choices(KINDS))
    .option('--vm-guid <guid>', "VM of the host (default: the token's vmg)")
    .option('--enhanced-mode', 'open the enhanced session of a Hyper-V machine')
    .option('--reconnect', 'let the client come back by itself (default: when the token has rcw)')
    .option('--no-nla', 'the host takes no network level authentication')
    .option('--publisher-certificate <file>', 'sign it: certificate, then its chain, PEM')
    .option('--publisher-key <file>', 'private key of that certificate, PKCS#8 in PEM')
    .option(...KEY_PASSWORD_FILE)
    .option('--out <file>', 'write here, readable for you alone (default: standard output)')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis rdp render --token-file token.txt --gateway gateway.example:443 --out console.rdp',
    )
    .action(render)
}

async function render(options: Options): Promise<void> {
  const publisher = await readPublisher(options)
  const token = new Secret(await readSecretText(options.tokenFile, '--token-file'))
  const settings = { ...settingsOfToken(token), ...settingsOfFile(options), ...settingsOf(options) }
  const unsigned = renderConsoleFile({
    ...complete(settings),
    ...(await preconnectionText(options)),
    ...(await endpointFedAuth(options)),
    gatewayToken: token,
  })
  const bytes = publisher === undefined ? unsigned : await signRdpFile(unsigned, publisher)
  if (options.out === undefined) {
    process.stdout.write(bytes)
  } else {
    writePrivately(options.out, bytes, '--out')
    print(options.out)
  }
}

async function preconnectionText({ hostToken }: Options): Promise<{ preconnectionText?: Secret }> {
  if (hostToken === undefined) return {}
  const text = new Secret(await readSecretText(hostToken, '--host-token'))
  try {
    parsePreconnectionText(text)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--host-token: ${errorText(error)}`, { cause: error })
  }
  return { preconnectionText: text }
}

async function endpointFedAuth({
  endpointFedauth: file,
}: Options): Promise<{ endpointFedAuth?: Secret }> {
  if (file === undefined) return {}
  return { endpointFedAuth: new Secret(await readSecretText(file, '--endpoint-fedauth')) }
}

async function readPublisher({
  publisherCertificate: certificate,
  publisherKey: key,
  keyPasswordFile,
}: Options): Promise<Publisher | undefined> {
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined) {
    throw new BrokerError('ERR_USAGE', '--publisher-certificate, --publisher-key: need both')
  }
  return createPublisher({
    certificatePem: readText(certificate, '--publisher-certificate'),
    privateKeyPem: await readKeyFile(key, '--publisher-key', keyPasswordFile),
  })
}

/** What a token says about its console; nothing when it is no token of ours. */
function settingsOfToken(token: Secret): Settings {
  const { claims } = inspectToken(token.reveal())
  const known = z
    .object({
      dst: z.string().transform((text) => parseEndpoint(text)),
      knd: z.enum(KINDS),
      vmg: z.string(),
      rcw: z.number(),
    })
    .partial()
    .safeParse(claims)
  if (!known.success) return {}
  const { dst, knd, vmg, rcw } = known.data
  return {
    ...dst,
    ...(knd === undefined ? {} : { kind: knd }),
    ...(vmg === undefined ? {} : { vmg }),
    ...(rcw === undefined ? {} : { reconnect: true }),
  }
}

function settingsOfFile({ input }: Options): Settings {
  if (input === undefined) return {}
  const text = readText(input, '--input')
  try {
    return settingsSchema.parse(JSON.parse(text), { error: faultWords })
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined
    const detail = issue ? `${issue.path.join('.')}: ${issue.message}` : 'not JSON'
    throw new BrokerError('ERR_USAGE', `--input ${input}: ${detail}`, { cause: error })
  }
}

function settingsOf(options: Options): Settings {
  const { gateway, target, kind, vmGuid, enhancedMode, reconnect, nla } = options
  const endpoint = target === undefined ? undefined : parseEndpoint(target)
  if (target !== undefined && endpoint === undefined) {
    throw new BrokerError('ERR_USAGE', `--target ${target}: need host:port`)
  }
  return {
    ...endpoint,
    ...(gateway === undefined ? {} : { gatewayAddress: gateway }),
    ...(kind === undefined ? {} : { kind }),
    ...(vmGuid === undefined ? {} : { vmg: vmGuid }),
    ...(enhancedMode === undefined ? {} : { enhancedMode }),
    ...(reconnect === undefined ? {} : { reconnect }),
    ...(nla ? {} : { networkLevelAuthentication: false }),
  }
}

function complete(settings: Settings): Omit<ConsoleFileInput, 'gatewayToken'> {
  const {
    kind = 'rdp',
    host,
    port,
    gatewayAddress,
    vmg,
    enhancedMode,
    reconnect,
    networkLevelAuthentication,
  } = settings
  if (gatewayAddress === undefined) throw new BrokerError('ERR_USAGE', '--gateway: not given')
  if (host === undefined || port === undefined) {
    throw new BrokerError('ERR_USAGE', '--target: not given, and the token names none')
  }
  return {
    kind,
    host,
    port,
    gatewayAddress,
    ...(vmg === undefined ? {} : { vmg }),
    ...(enhancedMode === undefined ? {} : { enhancedMode }),
    ...(reconnect === undefined ? {} : { reconnect }),
    ...(networkLevelAuthentication === undefined ? {} : { networkLevelAuthentication }),
  }
}
