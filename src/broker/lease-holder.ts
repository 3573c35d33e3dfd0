import type { Peer } from '../control/index.ts'

const AGENT = 'agent '

/** Who holds a lease, as the store has it; an agent may be called like a node. */
export function leaseHolder({ role, name }: Pick<Peer, 'role' | 'name'>): string {
  return role === 'agent' ? `${AGENT}${name}` : name
}

/** An agent's leases stand beside the node's, which are the sessions. */
export function isHeldByNode({ node }: { node: string }): boolean {
  return !node.startsWith(AGENT)
}
