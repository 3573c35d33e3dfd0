import { lookup } from 'node:dns/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, InvalidArgumentError } from 'commander'
import ipaddr from 'ipaddr.js'
import { CURL_CONFIG, type DemoOptions, type ReadyFile, startDemo } from '../demo/index.ts'
import { BrokerError, type Endpoint, errorText, parseEndpoint, systemClock } from '../lib/index.ts'
import { fail, print, printJson, say } from './output.ts'
import { parsePort } from './port.ts'
import { READY_FILE } from './ready-file.ts'
import { seedDemoStore } from './seed.ts'
import { closeOnSignal } from './shutdown.ts'

interface Options {
  dataDir?: string
  certsDir?: string
  portalPort: number
  gatewayPort: number
  listen: string
  console?: Endpoint
  farmAddress?: Endpoint
  json?: boolean
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DEFAULT_DATA_DIRECTORY = 'var'

export function register(program: Command): void {
  program
    .command('demo')
    .description('the whole product on this machine: portal, two gateway nodes, two machines')
    .option(
      '--data-dir <directory>',
      `store, logs, ready file (default: ${DEFAULT_DATA_DIRECTORY}/)`,
    )
    .option('--certs-dir <directory>', 'certificates (default: certs/, or certs/ in --data-dir)')
    .option('--portal-port <port>', 'portal and API', parsePort, 8443)
    .option('--gateway-port <port>', 'first node; the second has the next one', parsePort, 9443)
    .option('--listen <address>', 'loopback address to listen on', parseLoopback, '127.0.0.1')
    .option('--console <host:port>', 'an RDP server of yours as the machine', parseConsole)
    .option(
      '--farm-address <host:port>',
      'what clients dial when a balancer is in front',
      parseDialled,
    )
    .option('--json', 'print the content of the ready file instead of the summary')
    .addHelpText('after', '\nExample:\n  npm start -- --console 192.0.2.10:3389\n')
    .action(runDemo)
}

async function runDemo(options: Options): Promise<void> {
  const demo = await startDemo(await toDemoOptions(options))
  if (options.json) printJson(demo.ready)
  else print(summary(demo.ready, demo.readyFile))
  let stopping = false
  closeOnSignal(() => {
    stopping = true
    return demo.stop()
  })
  const failure = await demo.failure
  if (stopping) return
  await demo.stop()
  fail(failure)
}

async function toDemoOptions(options: Options): Promise<DemoOptions> {
  const { dataDir, certsDir, console: target, farmAddress, portalPort, gatewayPort } = options
  if (gatewayPort === 65_535) {
    throw new BrokerError('ERR_USAGE', '--gateway-port: 65535 leaves no port for the second node')
  }
  if (portalPort === gatewayPort || portalPort === gatewayPort + 1) {
    throw new BrokerError(
      'ERR_USAGE',
      `--portal-port ${portalPort} is a gateway's, too: the nodes take ${gatewayPort} and ${gatewayPort + 1}`,
    )
  }
  const dataDirectory = resolve(dataDir ?? join(ROOT, DEFAULT_DATA_DIRECTORY))
  return {
    dataDirectory,
    certsDirectory:
      certsDir ?? (dataDir === undefined ? join(ROOT, 'certs') : join(dataDirectory, 'certs')),
    listen: options.listen,
    portalPort,
    gatewayPort,
    ...(target === undefined
      ? {}
      : { console: { ...target, addresses: await resolveAll(target) } }),
    ...(farmAddress === undefined ? {} : { farmAddress }),
    entry: join(ROOT, 'src', 'main.mjs'),
    clock: systemClock,
    say,
    seed: seedDemoStore,
  }
}

/** The addresses that gateways may dial for `--console`: the demo allows exactly these. */
async function resolveAll({ host }: Endpoint): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--console ${host}: ${errorText(error)}`, { cause: error })
  }
}

/** Development certificates are for localhost, so nothing else may reach what uses them. */
function parseLoopback(text: string): string {
  if (ipaddr.isValid(text) && ipaddr.process(text).range() === 'loopback') return text
  throw new InvalidArgumentError(
    'the demo listens on a loopback address only; README, "The farm", tells how to serve others.',
  )
}

function parseConsole(text: string): Endpoint {
  const endpoint = parseEndpoint(text, 3389)
  if (endpoint !== undefined) return endpoint
  throw new InvalidArgumentError('need host:port, for example 192.0.2.10:3389.')
}

function parseDialled(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (endpoint !== undefined) return endpoint
  throw new InvalidArgumentError('need host:port, for example localhost:10443.')
}

function summary(ready: ReadyFile, readyFile: string): string {
  const { tenant, operator, vms, gateways } = ready
  const vm = vms[0]?.id ?? ''
  const isDefault = readyFile === READY_FILE
  const open = `console open ${vm}${isDefault ? '' : ` --ready-file ${readyFile}`}`
  const curlConfig = join(dirname(readyFile), CURL_CONFIG)
  return `
Portcullis is running. Ctrl-C stops all of it.

  Portal      ${ready.portalUrl}
              sign in as "${tenant.user}" with ${tenant.password}
  Machines    ${vms.map(({ id, name }) => `${name} (${id})`).join(', ')}
  Gateways    ${gateways.map(({ id, address }) => `${id} ${address}`).join(', ')}
  Authority   ${ready.caFile}
  Ready file  ${readyFile} (for scripts; operator "${operator.user}" has ${operator.password})

Open a console in another terminal (FreeRDP 3: xfreerdp3, and add /u:u /p:p):

  xfreerdp "$(npx portcullis ${open})" /cert:ignore

The same file by the API:

  curl --config ${curlConfig} --json '{"vm":"${vm}"}' \\
    -H 'Accept: application/x-rdp' -o console.rdp ${ready.apiUrl}/v1/consoles
`.trimStart()
}
