import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { z } from 'zod'
import { loadFarmConfig } from '../config/index.ts'
import { checkFarm, type FarmModel, renderHaproxy, renderKeepalived } from '../farm/index.ts'
import { BrokerError, errorText, formatEndpoint, parseEndpoint } from '../lib/index.ts'
import { readText } from './files.ts'
import { print, printJson, say } from './output.ts'

const READY_FILE = fileURLToPath(new URL('../../var/demo.json', import.meta.url))
const DEMO_FARM_NAME = 'demo'

interface Options {
  config?: string
  readyFile: string
  listen?: string
  out?: string
  json?: boolean
}

export function register(program: Command): void {
  const farm = program.command('farm').description('the balancer in front of the nodes')
  farm
    .command('render')
    .description('writes haproxy.cfg, and keepalived.conf for a farm with several balancers')
    .option('--config <file>', 'farm file in YAML (default: the running demo)')
    .option('--ready-file <file>', 'ready file of the demo, in place of its usual one', READY_FILE)
    .option('--listen <host:port>', 'what the balancer listens on, in place of what the farm says')
    .option('--out <directory>', 'write the files here (default: haproxy.cfg on standard output)')
    .option('--json', 'the names of the written files, or without --out their content, as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis farm render --config farm.yaml --out /etc/haproxy\n  portcullis farm render --listen 127.0.0.1:9440 --out . && haproxy -f haproxy.cfg',
    )
    .action(render)
}

function render(options: Options): void {
  const model = findModel(options)
  for (const warning of checkFarm(model)) say(`portcullis: warning: ${warning}`)
  const files = {
    'haproxy.cfg': renderHaproxy(model),
    ...(model.keepalived === undefined ? {} : { 'keepalived.conf': renderKeepalived(model) }),
  }
  const { out, json } = options
  if (out === undefined) {
    if (json) printJson(files)
    else print(files['haproxy.cfg'])
    return
  }
  const paths = writeFiles(out, files)
  if (json) printJson({ files: paths })
  else for (const path of paths) print(path)
}

function writeFiles(directory: string, files: Record<string, string>): string[] {
  try {
    mkdirSync(directory, { recursive: true })
    return Object.entries(files).map(([name, text]) => {
      const path = join(directory, name)
      writeFileSync(path, text)
      return path
    })
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--out ${directory}: ${errorText(error)}`, { cause: error })
  }
}

function findModel({ config, readyFile, listen }: Options): FarmModel {
  const model = config === undefined ? modelOfDemo(readyFile) : loadFarmConfig(config)
  return listen === undefined ? model : { ...model, listen }
}

const readyFileSchema = z.object({
  caFile: z.string(),
  gateways: z.array(z.object({ id: z.string(), address: z.string() })).min(1),
})

/** The demo's nodes behind a balancer on the port below the first node's. */
function modelOfDemo(path: string): FarmModel {
  const { caFile, gateways } = readReadyFile(path)
  const nodes = gateways.map(({ id, address }) => ({ name: id, address: onLoopback(address) }))
  const ports = nodes.map(({ address }) => parseEndpoint(address)?.port ?? 0)
  const port = Math.min(...ports) - 1
  return {
    name: DEMO_FARM_NAME,
    address: formatEndpoint({ host: 'localhost', port }),
    mode: 'passthrough',
    listen: formatEndpoint({ host: '127.0.0.1', port }),
    nodes,
    caFile,
  }
}

/** HAProxy resolves a name once and keeps one address; for `localhost` that may be the one nobody listens on. */
function onLoopback(address: string): string {
  return address.replace(/^localhost:/, '127.0.0.1:')
}

function readReadyFile(path: string): z.infer<typeof readyFileSchema> {
  let text: string
  try {
    text = readText(path, '--ready-file')
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--config: not given, and no demo runs here (no ${path})`, {
      cause: error,
    })
  }
  try {
    return readyFileSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--ready-file ${path}: is no ready file`, { cause: error })
  }
}
