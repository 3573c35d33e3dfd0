import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadFarmConfig } from '../config/index.ts'
import { FARM_NAME } from '../demo/index.ts'
import { checkFarm, type FarmModel, renderHaproxy, renderKeepalived } from '../farm/index.ts'
import {
  BrokerError,
  errorText,
  formatEndpoint,
  makeDirectory,
  parseEndpoint,
} from '../lib/index.ts'
import { print, printJson, say } from './output.ts'
import { READY_FILE, readReadyFile } from './ready-file.ts'

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
    makeDirectory(directory)
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

/**
 * The demo's nodes behind a balancer where its clients dial; a demo that has them dial the first node
 * leaves the port below that one to the balancer, which is then no part of the demo and sends no header.
 */
function modelOfDemo(path: string): FarmModel {
  const { caFile, gatewayAddress, gateways } = readReadyFile(path, '--config')
  const dialsNode = gateways.some(({ address }) => address === gatewayAddress)
  const proxy = dialsNode ? 'off' : 'required'
  const nodes: FarmModel['nodes'] = gateways.map(({ id, address }) => ({
    name: id,
    address: onLoopback(address),
    proxy,
  }))
  const dialled = portOf(gatewayAddress)
  const port = dialsNode ? dialled - 1 : dialled
  return {
    name: FARM_NAME,
    address: formatEndpoint({ host: 'localhost', port }),
    mode: 'passthrough',
    listen: formatEndpoint({ host: '127.0.0.1', port }),
    nodes,
    caFile,
  }
}

function portOf(address: string): number {
  return parseEndpoint(address)?.port ?? 0
}

/** HAProxy resolves a name once and keeps one address; for `localhost` that may be the one nobody listens on. */
function onLoopback(address: string): string {
  return address.replace(/^localhost:/, '127.0.0.1:')
}
