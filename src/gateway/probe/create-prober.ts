import type { ProbeResult } from '../../control/index.ts'
import type { Clock } from '../../lib/index.ts'
import type { AgentSecurity } from '../agent-connection.ts'
import { lookupAll } from '../lookup.ts'
import type { TargetPolicy } from '../targets.ts'
import { DEFAULT_PROBE_LIMITS } from './limits.ts'
import { reverseLookup } from './names.ts'
import { probeHost } from './probe-host.ts'
import { Prober } from './prober.ts'

export interface CreateProberOptions {
  /** The same that every dial of a console asks. */
  policy: TargetPolicy
  /** How this node dials host agents; undefined where it dials none. */
  agents(): AgentSecurity | undefined
  clock: Clock
  tell(result: ProbeResult): void
}

/** A node's prober. */
export function createProber({ tell, agents, ...tools }: CreateProberOptions): Prober {
  const limits = DEFAULT_PROBE_LIMITS
  const reverse = reverseLookup(limits.namesMs)
  return new Prober({
    probe: (host, signal) =>
      probeHost(host, { ...tools, agents: agents(), lookup: lookupAll, reverse, limits, signal }),
    tell,
    limits,
  })
}
