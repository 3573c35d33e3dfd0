import { type ConsoleChannel, openConsole } from '../../../src/client/index.ts'
import { type Endpoint, type Secret, withDeadline } from '../../../src/lib/index.ts'
import { startMiddleman } from '../../helpers/middleman.ts'
import { createRandom } from '../../helpers/random.ts'
import { describePlan, type Plan } from './plan.ts'

export interface SessionOptions {
  plan: Plan
  seed: number
  nodePort: number
  ca: string
  token: Secret
  /** What the token names: an address that is this session's alone, where the middleman listens. */
  target: Endpoint
  /** Of the host on 127.0.0.1; it sees the connection come from the target's address. */
  hostPort: number
}

export interface Outcome {
  /** All that was sent came back. */
  complete: boolean
  /** What came back and was not sent. */
  fault?: string
  /** Why it is not complete, as the client sees it. */
  error?: unknown
}

/** Longer than any stall; then the client goes away whatever is missing, if something may be. */
const PATIENCE_MS = 1_500
/** On a busy machine. */
const HARMLESS_PATIENCE_MS = 60_000
/** After it everything that was held back has arrived, so both sides have closed. */
const HEALING_MS = 20_000

/** One client, from its dial until nothing on either side of the node is left of it. */
export async function runSession(options: SessionOptions): Promise<Outcome> {
  const { plan, seed, nodePort, target, hostPort } = options
  const healing = new AbortController()
  const healed = healing.signal
  const host = '127.0.0.1'
  const back = await startMiddleman({
    listen: target,
    route: () => ({
      to: { host, port: hostPort, localAddress: target.host },
      trouble: plan.back,
      random: createRandom(seed, `${plan.index} back`),
      healed,
    }),
  })
  const front = await startMiddleman({
    listen: { host, port: 0 },
    route: (index) => ({
      to: { host, port: nodePort },
      trouble: plan.front[index === 0 ? 0 : 1],
      random: createRandom(seed, `${plan.index} front ${index}`),
      healed,
    }),
  })
  try {
    const patienceMs = plan.harmless ? HARMLESS_PATIENCE_MS : PATIENCE_MS
    return await runClient(front.port, patienceMs, options)
  } catch (error) {
    return { complete: false, error }
  } finally {
    healing.abort()
    const what = `session ${plan.index}: end at the node`
    await withDeadline(Promise.all([front.close(), back.close()]), HEALING_MS, what).catch(
      (error: unknown) => {
        const left = [...front.left(), 'behind the node:', ...back.left()].join(', ')
        throw new Error(`in front of the node: ${left} of ${describePlan(plan)}`, { cause: error })
      },
    )
  }
}

async function runClient(
  port: number,
  timeoutMs: number,
  { plan, ca, token, target }: SessionOptions,
): Promise<Outcome> {
  const channel = await openConsole({
    gateway: { host: '127.0.0.1', port },
    transport: plan.transport,
    timeoutMs,
    onStep: () => {},
    ca,
    token,
    target,
  })
  try {
    return await talk(channel, plan, timeoutMs)
  } finally {
    channel.destroy()
  }
}

/** Sends everything at once, and compares what comes back with it until all is there or somebody leaves. */
async function talk(
  channel: ConsoleChannel,
  { index, payload, client: { pause, end } }: Plan,
  timeoutMs: number,
): Promise<Outcome> {
  const over = Promise.withResolvers<Outcome>()
  let received = 0
  channel.on('error', (error) => over.resolve({ complete: false, error }))
  channel.on('close', () => over.resolve({ complete: false, error: `closed at ${received}` }))
  channel.on('end', () => over.resolve({ complete: false, error: `ended at ${received}` }))
  channel.on('data', (bytes: Buffer) => {
    const before = received
    received += bytes.length
    if (!bytes.equals(payload.subarray(before, received))) {
      over.resolve({ complete: false, fault: `session ${index}: foreign bytes at ${before}` })
    }
    if (pause !== undefined && before <= pause.afterBytes && received > pause.afterBytes) {
      channel.pause()
      setTimeout(() => channel.resume(), pause.ms)
    }
    if (end !== undefined && received > end.afterBytes) {
      // A user closes the window, or the machine dies.
      if (end.by === 'end') channel.end()
      else channel.destroy()
    }
    if (received === payload.length) over.resolve({ complete: true })
  })
  channel.write(payload)
  const tooLate = setTimeout(() => {
    over.resolve({ complete: false, error: `only ${received} of ${payload.length} bytes` })
  }, timeoutMs)
  try {
    return await over.promise
  } finally {
    clearTimeout(tooLate)
  }
}
