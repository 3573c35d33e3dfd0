import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { parseDuration } from './duration.ts'
import { printJson, say } from './output.ts'

/** What the API says of a node, as far as these commands use it. */
export const nodeAnswer = z.object({
  id: z.string(),
  state: z.enum(['ready', 'degraded', 'draining', 'lost']),
  issues: z.array(z.string()),
  tunnels: z.int().optional(),
  software: z.string().optional(),
  address: z.string().optional(),
  trustVersion: z.int(),
  trustCurrent: z.boolean(),
  revocationVersion: z.int(),
  clockOffsetMs: z.int().optional(),
  certificateNotAfter: z.string().optional(),
  lastSeenAt: z.string(),
  drain: z
    .object({
      askedAt: z.string(),
      deadline: z.string(),
      message: z.string().optional(),
      askedBy: z.string(),
      confirmed: z.boolean(),
      done: z.boolean(),
    })
    .optional(),
})
export type NodeAnswer = z.output<typeof nodeAnswer>

export function nodePath(name: string): string {
  return `/v1/nodes/${encodeURIComponent(name)}`
}

interface Options extends ApiOptions {
  wait: number
  message?: string
  cancel?: boolean
  json?: boolean
}

/** How long the command waits for what, in ms. */
export interface DrainWaits {
  /** Between two questions. */
  askEveryMs: number
  /** After the deadline: the node closes its last sockets, and says so. */
  graceMs: number
  /** A node that is connected confirms at once, one that was just restarting within a heartbeat. */
  confirmMs: number
  /** A broker that restarts meanwhile is back by then. */
  outageMs: number
}

const WAITS: DrainWaits = {
  askEveryMs: 500,
  graceMs: 10_000,
  confirmMs: 15_000,
  outageMs: 15_000,
}

export function registerDrain(node: Command): void {
  const drain = node
    .command('drain')
    .description('take a node out of service: no new sessions, the open ones may go on for a while')
    .argument('<node>', 'its name')
    .addOption(
      new Option('--wait <time>', 'how long open sessions may go on')
        .argParser(parseDuration)
        .default(600, '10m'),
    )
    .option('--message <text>', 'what users are told, beside how long they have')
    .option('--cancel', 'put the node back into service')
    .option('--json', 'the node at the end, as JSON')
    .addHelpText(
      'after',
      `
Ends when the node has no session left. The broker remembers the drain until --cancel, also when this command
is interrupted or the node restarts.

Example:
  portcullis node drain gw1 --wait 30m --message "Maintenance tonight."
  portcullis node drain gw1 --cancel`,
    )
  addApiOptions(drain).action(run)
}

async function run(name: string, options: Options): Promise<void> {
  const { wait, message, cancel, json, ...access } = options
  const api = await findApi(access)
  const path = nodePath(name)
  if (cancel) {
    await callApi(api, 'DELETE', `${path}/drain`, { answer: z.undefined() })
    say(`${name} is told to take new sessions again.`)
    return
  }
  const ordered = await callApi(api, 'POST', `${path}/drain`, {
    body: { deadlineSeconds: wait, ...(message === undefined ? {} : { message }) },
    answer: nodeAnswer,
  })
  say(`${name} takes no new sessions from now on; those that it has may go on for ${wait} s.`)
  say('Ctrl-C ends the waiting, not the drain.')
  const ask = () => callApi(api, 'GET', path, { answer: nodeAnswer })
  const node = await untilEmpty(ordered, ask, wait * 1000)
  if (json) printJson(node)
  assertDrained(node)
  say(`${name} is drained. "portcullis node drain ${name} --cancel" puts it back.`)
}

/**
 * Tells how far it is, until there is nothing to wait for.
 *
 * @param ordered the node as it was when the drain was ordered
 * @param leftMs until its deadline
 * @throws BrokerError `ERR_NO_ANSWER` when the broker stays away
 */
export async function untilEmpty(
  ordered: NodeAnswer,
  ask: () => Promise<NodeAnswer>,
  leftMs: number,
  { askEveryMs, graceMs, confirmMs, outageMs } = WAITS,
): Promise<NodeAnswer> {
  const startedMs = performance.now()
  let answeredMs = startedMs
  let node = ordered
  let told: string | undefined
  while (isDraining(node)) {
    const waitMs = node.drain?.confirmed ? leftMs + graceMs : confirmMs
    if (performance.now() - startedMs > waitMs) break
    const progress = describe(node)
    if (progress !== told) say(progress)
    told = progress
    await sleep(askEveryMs)
    try {
      node = await ask()
      answeredMs = performance.now()
    } catch (error) {
      if (!isOutage(error) || performance.now() - answeredMs > outageMs) throw error
    }
  }
  return node
}

/** Still to be waited for: not empty, not lost, not cancelled by somebody else. */
function isDraining({ state, drain }: NodeAnswer): boolean {
  return state !== 'lost' && drain !== undefined && !drain.done
}

function isOutage(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_NO_ANSWER'
}

function describe({ id, tunnels, drain }: NodeAnswer): string {
  if (drain?.confirmed !== true) return `${id}: waiting for it to confirm`
  return `${id}: ${tunnels === 1 ? '1 session is' : `${tunnels} sessions are`} open`
}

/** @throws BrokerError `ERR_NO_ANSWER` for a node that is lost, `ERR_REFUSED` for one that is not empty */
export function assertDrained({ id, state, drain, issues, tunnels }: NodeAnswer): void {
  if (state === 'lost') {
    const message = `${id} is lost (${issues.join('; ')}); it is told to drain when it is back`
    throw new BrokerError('ERR_NO_ANSWER', message)
  }
  if (drain === undefined) throw new BrokerError('ERR_REFUSED', `${id}: the drain was cancelled`)
  if (drain.done) return
  const left = drain.confirmed
    ? `${tunnels} sessions are still open`
    : 'it has not confirmed; it is told again when it connects'
  throw new BrokerError('ERR_REFUSED', `${id} is not drained: ${left}`)
}
