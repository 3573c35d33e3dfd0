import type { Command } from 'commander'
import { z } from 'zod'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { type NodeAnswer, nodeAnswer, nodePath, registerDrain } from './node-drain.ts'
import { printFields, printJson, printTable, say } from './output.ts'

type Options = ApiOptions & { json?: boolean }

export function register(program: Command): void {
  const node = program.command('node').description('the gateway nodes')
  addApiOptions(
    node
      .command('list')
      .description('every node as the broker knows it, side by side')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis node list'),
  ).action(list)
  addApiOptions(
    node
      .command('show')
      .description('one node')
      .argument('<node>', 'its name')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis node show gw1'),
  ).action(show)
  registerDrain(node)
}

async function list({ json, ...options }: Options): Promise<void> {
  const answer = z.object({ items: z.array(nodeAnswer) })
  const found = await callApi(await findApi(options), 'GET', '/v1/nodes', { answer })
  if (json) {
    printJson(found)
    return
  }
  printTable(
    ['NODE', 'STATE', 'TUNNELS', 'SOFTWARE', 'TRUST', 'CLOCK', 'CERTIFICATE UNTIL', 'LAST SEEN'],
    found.items.map(toRow),
  )
  for (const { id, issues } of found.items) {
    for (const issue of issues) say(`${id}: ${issue}`)
  }
}

async function show(name: string, { json, ...options }: Options): Promise<void> {
  const found = await callApi(await findApi(options), 'GET', nodePath(name), { answer: nodeAnswer })
  if (json) {
    printJson(found)
    return
  }
  const [, state = '', tunnels = '', software = '', trust = '', clock = '', until = '', seen = ''] =
    toRow(found)
  const { issues, drain, address = '-', revocationVersion } = found
  printFields([
    ['State', state],
    ...issues.map((issue) => ['', issue]),
    ['Tunnels', tunnels],
    ...(drain === undefined ? [] : drainLines(drain)),
    ['Software', software],
    ['Trust version', trust],
    ['Revocations', String(revocationVersion)],
    ['Clock', clock],
    ['Certificate', `until ${until}`],
    ['Dials from', address],
    ['Last seen', seen],
  ])
}

function drainLines(drain: NonNullable<NodeAnswer['drain']>): string[][] {
  const { deadline, askedBy, message } = drain
  return [
    ['Drain', `until ${deadline}, asked by ${askedBy}`],
    ...(message === undefined ? [] : [['Message', message]]),
  ]
}

function toRow(node: NodeAnswer): string[] {
  const { id, state, tunnels, software, trustVersion, trustCurrent, clockOffsetMs, drain } = node
  return [
    id,
    drain?.done ? `${state}, done` : state,
    tunnels === undefined ? '-' : String(tunnels),
    software ?? '-',
    `${trustVersion}${trustCurrent ? '' : ' (old)'}`,
    clockOffsetMs === undefined ? '-' : `${clockOffsetMs > 0 ? '+' : ''}${clockOffsetMs} ms`,
    node.certificateNotAfter ?? '-',
    node.lastSeenAt,
  ]
}
