import {
  MAX_PROBED_HOSTS,
  type ProbedHost,
  type ProbeResult,
  parseProbeResult,
} from '../control/index.ts'
import type { Clock, Log } from '../lib/index.ts'
import type { Host, ProbeTarget, Store, StoredProbe } from '../store/index.ts'
import { ApiError, notFound } from './errors.ts'
import { type HostStanding, isAbout, standingOf } from './host-standing.ts'
import type { Pushes } from './pushes.ts'

/** From this version of the messages on a node can probe. */
const PROBING_SINCE = 3
/** A node takes 10 s for a host at most; who waits had better hear that it did not answer. */
const ANSWER_WITHIN_MS = 12_000
/** Each host's next turn is this much earlier or later, so that they spread over the time between. */
const JITTER = 0.2
/** Older than this, and than so many rounds, what a node found says nothing of now. */
const FRESH_MS = 5 * 60_000
const FRESH_ROUNDS = 3
/** Past so many hosts it is cheaper to read what was found of all. */
const MAX_NAMED_HOSTS = 500
/** What nobody asks for any more. */
const KEEP_MS = 24 * 60 * 60_000

export const DEFAULT_PROBE_EVERY_SECONDS = 60

/** How hosts stand, as the nodes find them: the broker itself dials none. */
export interface HostProbes {
  /** A node can be asked from now on. */
  joined(node: string, protocol: number): void
  left(node: string): void
  /** Keeps what a node found; of a host that is gone or has another address by now, nothing. */
  found(node: string, result: ProbeResult): Promise<void>
  /**
   * Has all nodes look at one host now, opted in or not.
   *
   * @returns when they have answered, or those that did in time
   * @throws ApiError `not-found`; `unavailable` when no node is there
   */
  probe(host: string): Promise<void>
  /** Asks the nodes for those hosts that are due. */
  round(): Promise<void>
  /** By id; all hosts that are given. */
  standings(hosts: readonly Host[]): Promise<Map<string, HostStanding>>
  sweep(): Promise<void>
}

export interface HostProbesOptions {
  store: Store
  pushes: Pushes
  clock: Clock
  log: Log
  /** How often each host is looked at; 0 for only when somebody asks. */
  everySeconds?: number
  /** 0 up to 1. */
  random?: () => number
}

interface Waiting {
  host: string
  nodes: Set<string>
  done(): void
}

export function createHostProbes(options: HostProbesOptions): HostProbes {
  const { store, pushes, clock, log } = options
  const { everySeconds = DEFAULT_PROBE_EVERY_SECONDS, random = Math.random } = options
  const freshMs = Math.max(FRESH_MS, FRESH_ROUNDS * everySeconds * 1000)
  const nodes = new Set<string>()
  const waiting = new Set<Waiting>()
  /** By what a target says, so that a changed one is due at once. */
  let dueAtMs = new Map<string, number>()

  const answered = (node: string, host?: string): void => {
    for (const wait of waiting) {
      if (host !== undefined && wait.host !== host) continue
      wait.nodes.delete(node)
      if (wait.nodes.size === 0) wait.done()
    }
  }

  return {
    joined(node, protocol) {
      if (protocol < PROBING_SINCE) return
      nodes.add(node)
      dueAtMs.clear()
    },
    left(node) {
      nodes.delete(node)
      answered(node)
    },
    async found(node, result) {
      await keep(node, result)
      if (result.urgent === true) answered(node, result.host)
    },
    async probe(id) {
      const [target] = await store.hostProbes.listTargets(id)
      if (target === undefined) throw notFound('host', id)
      if (nodes.size === 0) {
        throw new ApiError('unavailable', 'No node is connected that could look at the host.')
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      const wait: Waiting = { host: id, nodes: new Set(nodes), done: resolve }
      const timer = setTimeout(resolve, ANSWER_WITHIN_MS)
      waiting.add(wait)
      pushes.push({ type: 'probe', hosts: [toProbed(target)], urgent: true })
      await promise
      clearTimeout(timer)
      waiting.delete(wait)
    },
    async round() {
      if (everySeconds === 0 || nodes.size === 0) return
      const nowMs = clock.now()
      const next = new Map<string, number>()
      const due: ProbedHost[] = []
      for (const target of await store.hostProbes.listTargets()) {
        const key = JSON.stringify(target)
        const dueMs = dueAtMs.get(key) ?? nowMs
        if (dueMs <= nowMs) due.push(toProbed(target))
        const pauseMs = everySeconds * 1000 * (1 + JITTER * (2 * random() - 1))
        next.set(key, dueMs <= nowMs ? nowMs + pauseMs : dueMs)
      }
      dueAtMs = next
      for (let from = 0; from < due.length; from += MAX_PROBED_HOSTS) {
        pushes.push({ type: 'probe', hosts: due.slice(from, from + MAX_PROBED_HOSTS) })
      }
    },
    async standings(hosts) {
      const nowMs = clock.now()
      const ids = [...new Set(hosts.map(({ id }) => id))]
      const named = ids.length <= MAX_NAMED_HOSTS ? ids : undefined
      const probes = await store.hostProbes.list(nowMs - freshMs, named)
      const of = Map.groupBy(probes, ({ host }) => host)
      return new Map(hosts.map((host) => [host.id, standingOf(host, of.get(host.id) ?? [], nowMs)]))
    },
    sweep: () => store.hostProbes.deleteBefore(clock.now() - KEEP_MS),
  }

  async function keep(node: string, result: ProbeResult): Promise<void> {
    const host = await store.hosts.get(result.host)
    if (host === undefined || !isAbout(host, result)) return
    const before = await store.hostProbes.get(host.id, node)
    const { state, reason, detail } = result
    const nowMs = clock.now()
    const isSame = before?.state === state && isOfSamePlace(before, result)
    await store.hostProbes.put({
      ...{ host: host.id, node, state, probedAtMs: nowMs },
      sinceMs: isSame ? before.sinceMs : nowMs,
      body: JSON.stringify(result),
    })
    if (isSame) return
    const fields = { host: host.id, node, state, was: before?.state ?? 'unknown' }
    const level = state === 'ready' ? 'info' : 'warn'
    log[level]('host.state', {
      ...fields,
      ...(reason === undefined ? {} : { reason }),
      ...(detail === undefined ? {} : { error: detail }),
    })
  }
}

function toProbed({ id, kind, address, port, guid, pin }: ProbeTarget): ProbedHost {
  return {
    ...{ id, kind, address, port },
    ...(guid === undefined ? {} : { guid }),
    ...(pin === undefined ? {} : { pin }),
  }
}

/** A host that has moved begins anew. */
function isOfSamePlace({ body }: StoredProbe, { address, port }: ProbeResult): boolean {
  const before = parseProbeResult(body)
  return before?.address === address && before.port === port
}
