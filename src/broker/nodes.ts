import type { DrainOrder, Heartbeat, JoinedPeer } from '../control/index.ts'
import type { Clock, Log } from '../lib/index.ts'
import type { GatewayNode, Store } from '../store/index.ts'
import { DEFAULT_LEEWAY_SECONDS } from '../tokens/index.ts'
import { notFound } from './errors.ts'
import type { Pushes } from './pushes.ts'
import { LOST_AFTER_MS } from './sessions.ts'
import type { TrustKeeper } from './trust-keeper.ts'

/** As for every other certificate: from here on it is an error, since nobody has done anything. */
const WARN_BEFORE_MS = 7 * 24 * 60 * 60_000

/** `lost`: not heard of for three heartbeats, and some. */
export const REGISTRY_STATES = ['ready', 'degraded', 'draining', 'lost'] as const
export type RegistryState = (typeof REGISTRY_STATES)[number]

/** A node, judged. */
export interface RegisteredNode extends GatewayNode {
  standing: RegistryState
  /** What a person should look at, one sentence each; a node may be ready all the same. */
  issues: string[]
  /** It has the whole trust set, the newest issuer included. */
  trustCurrent: boolean
}

export interface DrainRequest {
  deadlineSeconds: number
  message?: string
  askedBy: string
}

/** The farm's gateway nodes, as their control channels show them, and which are to go out of service. */
export interface Nodes {
  list(): Promise<RegisteredNode[]>
  /** @throws ApiError `not-found` */
  get(name: string): Promise<RegisteredNode>
  /** Replaces an order that stands. @throws ApiError `not-found` */
  drain(name: string, request: DrainRequest): Promise<RegisteredNode>
  /** In service again; no error when it is. @throws ApiError `not-found` */
  cancelDrain(name: string, askedBy: string): Promise<void>
  /** What the node is to be told; undefined while it is in service. */
  orderFor(name: string): Promise<DrainOrder | undefined>
  /** Its channel is open; one that was never seen, or was forgotten since, is event `node.joined`. */
  joined(name: string, about: Omit<JoinedPeer, 'protocol'>): Promise<void>
  beat(name: string, beat: Heartbeat): Promise<void>
  left(name: string): Promise<void>
}

export interface NodesOptions {
  store: Store
  trust: TrustKeeper
  pushes: Pushes
  clock: Clock
  log: Log
  /** Clock difference to forgive; default 5. */
  leewaySeconds?: number
}

export function createNodes(options: NodesOptions): Nodes {
  const { store, trust, pushes, clock, log } = options

  const judge = async (nodes: GatewayNode[]): Promise<RegisteredNode[]> => {
    const { version } = await trust.current()
    return nodes.map((node) => judgeNode(node, version, options))
  }
  const get = async (name: string): Promise<RegisteredNode> => {
    const node = await store.nodes.get(name)
    const [judged] = await judge(node === undefined ? [] : [node])
    if (judged === undefined) throw notFound('node', name)
    return judged
  }

  return {
    list: async () => judge(await store.nodes.list()),
    get,
    async drain(name, { deadlineSeconds, message, askedBy }) {
      await get(name)
      const askedAtMs = clock.now()
      const deadlineMs = askedAtMs + deadlineSeconds * 1000
      await store.nodes.drain(name, {
        ...{ askedAtMs, deadlineMs, askedBy },
        ...(message === undefined ? {} : { message }),
      })
      pushes.push({ type: 'refresh', node: name })
      const deadline = toTimestamp(deadlineMs)
      log.info('node.state', { node: name, state: 'draining', deadline, askedBy })
      return get(name)
    },
    async cancelDrain(name, askedBy) {
      const { drain } = await get(name)
      if (drain === undefined) return
      await store.nodes.drain(name, undefined)
      pushes.push({ type: 'refresh', node: name })
      log.info('node.state', { node: name, state: 'drain-cancelled', askedBy })
    },
    async orderFor(name) {
      const drain = await store.nodes.getDrain(name)
      if (drain === undefined) return undefined
      const { deadlineMs: deadline, message } = drain
      return { deadline, ...(message === undefined ? {} : { message }) }
    },
    async joined(name, about) {
      const known = await store.nodes.get(name)
      await store.nodes.seen({ name, ...about, leftAtMs: null })
      const { address: remoteAddress, software } = about
      if (known === undefined) log.info('node.joined', { node: name, remoteAddress, software })
    },
    async beat(name, { time, status }) {
      await store.nodes.seen({
        name,
        clockOffsetMs: time - clock.now(),
        leftAtMs: null,
        ...(status === undefined ? {} : { ...status, reason: status.reason ?? null }),
      })
    },
    // What it said of its state was about a process that may be gone.
    left: (name) => store.nodes.seen({ name, state: null, leftAtMs: clock.now() }),
  }
}

/** @param version of the trust set, now */
function judgeNode(
  node: GatewayNode,
  version: number,
  { clock, leewaySeconds = DEFAULT_LEEWAY_SECONDS }: NodesOptions,
): RegisteredNode {
  const { state, reason, drain, lastSeenMs, leftAtMs, trustVersion } = node
  const { clockOffsetMs = 0, certificateNotAfterMs = Infinity } = node
  const trustCurrent = trustVersion >= version
  const isLost = lastSeenMs < clock.now() - LOST_AFTER_MS
  const silentSeconds = Math.round((clock.now() - lastSeenMs) / 1000)
  const problems = [
    ...(isLost ? [`no heartbeat for ${silentSeconds} s`] : []),
    ...(leftAtMs !== undefined && !isLost ? ['its control channel is closed'] : []),
    ...(state === 'degraded'
      ? [`it is not ready${reason === undefined ? '' : `: ${reason}`}`]
      : []),
    ...(trustCurrent ? [] : [`it has trust version ${trustVersion}, need ${version}`]),
    ...(Math.abs(clockOffsetMs) > leewaySeconds * 1000
      ? [`its clock is off by ${clockOffsetMs} ms, at most ${leewaySeconds} s are forgiven`]
      : []),
  ]
  const unconfirmed = drain !== undefined && !isLost && state !== 'draining'
  const issues = [
    ...problems,
    ...(unconfirmed ? ['it has not confirmed the drain'] : []),
    ...(certificateNotAfterMs - clock.now() < WARN_BEFORE_MS
      ? [`its control certificate ends at ${toTimestamp(certificateNotAfterMs)}`]
      : []),
  ]
  return { ...node, trustCurrent, issues, standing: standingOf(isLost, node, problems) }
}

function standingOf(
  isLost: boolean,
  { drain, state }: GatewayNode,
  problems: string[],
): RegistryState {
  if (isLost) return 'lost'
  if (drain !== undefined || state === 'draining') return 'draining'
  return problems.length === 0 ? 'ready' : 'degraded'
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
