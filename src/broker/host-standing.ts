import { type ProbeResult, parseProbeResult } from '../control/index.ts'
import type { Reason } from '../lib/index.ts'
import type { Host, StoredProbe } from '../store/index.ts'
import { type HostState, hintFor, issuesOf } from './host-hints.ts'
import { identifiedAs } from './host-names.ts'

/** How one node found a host. */
export interface NodeFinding {
  node: string
  sinceMs: number
  probedAtMs: number
  result: ProbeResult
  hint: string | undefined
  issues: string[]
}

/** How a host stands, by all nodes that have looked lately. */
export interface HostStanding {
  state: HostState
  reason: Reason | undefined
  hint: string | undefined
  findings: NodeFinding[]
}

/**
 * What nodes' findings come to. One node that reaches the host is enough for `ready`, since the balancer may
 * send the next client there; otherwise the newest finding counts.
 *
 * @param probes of this host, none of them too old; those of another address than the record's are left out
 */
export function standingOf(host: Host, probes: StoredProbe[], nowMs: number): HostStanding {
  const findings = probes.flatMap((probe): NodeFinding[] => {
    const result = parseProbeResult(probe.body)
    if (result === undefined || !isAbout(host, result)) return []
    const { node, sinceMs, probedAtMs } = probe
    const hint = hintFor(result.state, host, result)
    const issues = issuesOf(result, host, nowMs)
    return [{ node, sinceMs, probedAtMs, result, hint, issues }]
  })
  if (!host.consoleAllow) {
    const state = 'not-opted-in'
    return { state, reason: 'host-not-opted-in', hint: hintFor(state, host), findings }
  }
  const [newest] = [...findings].sort(byReadiness)
  if (newest === undefined) {
    return { state: 'unknown', reason: undefined, hint: hintFor('unknown', host), findings }
  }
  const { state, reason } = newest.result
  return { state, reason, hint: newest.hint, findings }
}

/** Nodes are asked for hosts as tokens name them: what they found counts as long as that is the name. */
export function isAbout(host: Host, { address, port }: ProbeResult): boolean {
  return address === identifiedAs(host) && port === host.port
}

function byReadiness(one: NodeFinding, other: NodeFinding): number {
  const ready = ({ result }: NodeFinding): number => (result.state === 'ready' ? 1 : 0)
  return ready(other) - ready(one) || other.probedAtMs - one.probedAtMs
}
