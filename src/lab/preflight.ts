import { randomUUID } from 'node:crypto'
import { negotiateWithEcho, openConsole, StepError, statusName } from '../client/index.ts'
import { formatEndpoint } from '../lib/index.ts'
import { Machine } from './inventory.ts'
import type { RunningFarm } from './running-farm.ts'
import type { Ticket } from './ticket.ts'

/** Why nothing is walked: not even a fresh token comes through, and every refusal would be right by chance. */
export interface Obstacle {
  /** What the client saw, and what to look at. */
  message: string
  /** The gateway itself has said no, or the echo host behind it has; otherwise there was nobody to talk to. */
  answered: boolean
}

const STEP_TIMEOUT_MS = 10_000
const LINE_WITHIN_MS = 3_000

/**
 * One fresh token goes to the echo host and back, before any scenario.
 *
 * @param signal ends it
 * @returns undefined when it came through
 */
export async function findObstacle(
  farm: RunningFarm,
  signal?: AbortSignal,
): Promise<Obstacle | undefined> {
  const ticket = await farm.mint(Machine.plain, 'preflight')
  const connectionId = randomUUID()
  try {
    await comeThrough(farm, ticket, connectionId, signal)
    return undefined
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const message = explain(error, farm, ticket, await reasonInLog(farm, error, connectionId))
    return { message, answered: hasAnswered(error) }
  }
}

async function comeThrough(
  { gateway, ca, clients: { alice: from } }: RunningFarm,
  { token, target }: Ticket,
  connectionId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const limits = { timeoutMs: STEP_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) }
  const channel = await openConsole({
    ...limits,
    gateway,
    token,
    target,
    connectionId,
    transport: 'websocket',
    ...(ca === undefined ? {} : { ca }),
    ...(from === undefined ? {} : { from }),
  })
  channel.on('error', () => {})
  try {
    await negotiateWithEcho(channel, limits)
  } finally {
    channel.destroy()
  }
}

function explain(
  error: StepError,
  { gateway }: RunningFarm,
  { target }: Ticket,
  reason: string | undefined,
): string {
  const { step, statusCode, message } = error
  const to = formatEndpoint(gateway)
  const code = statusCode === undefined ? message : (statusName(statusCode) ?? message)
  const saw = reason === undefined ? code : `${code}, in its log ${reason}`
  if (step === 'tunnel' && statusCode !== undefined) {
    return `${to} does not let this issuer's tokens in (${saw}): does its gateway.yaml have this certificate under lab.issuer, is --audience its farm.name, does its clock go right?`
  }
  if ((step === 'channel' && statusCode !== undefined) || step === 'negotiation') {
    return `${to} lets the token in, but not through to ${formatEndpoint(target)} and back (${saw}): is --echo-host its lab.echoHost, and does something echo there?`
  }
  return reason === undefined ? message : `${message}, in its log ${reason}`
}

function hasAnswered({ step, code }: StepError): boolean {
  return step === 'negotiation' || !(code === 'ERR_NO_ANSWER' || code === 'ERR_DEADLINE')
}

/** What the node says of it, where somebody reads that and the node has come to a decision. */
async function reasonInLog(
  { book, readsLog }: RunningFarm,
  { statusCode }: StepError,
  connectionId: string,
): Promise<string | undefined> {
  if (!readsLog || statusCode === undefined) return undefined
  const line = await book.until(
    ({ fields }) => fields.connectionId === connectionId && typeof fields.reason === 'string',
    LINE_WITHIN_MS,
  )
  return line === undefined ? undefined : String(line.fields.reason)
}
