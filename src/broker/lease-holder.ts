import type { Addressed, Peer, PushMessage } from '../control/index.ts'

const AGENT = 'agent '

/** Who holds a lease, as the store has it; an agent may be called like a node. */
export function leaseHolder({ role, name }: Pick<Peer, 'role' | 'name'>): string {
  return role === 'agent' ? `${AGENT}${name}` : name
}

/** An agent's leases stand beside the node's, which are the sessions. */
export function isHeldByNode({ node }: { node: string }): boolean {
  return !node.startsWith(AGENT)
}

/** What is about a lease is for its holder alone: neither its words nor its tunnel's name are anybody else's. */
export function toHolder(lease: { node: string }, message: PushMessage): Addressed {
  const { node } = lease
  const to: Peer = isHeldByNode(lease)
    ? { role: 'node', name: node }
    : { role: 'agent', name: node.slice(AGENT.length) }
  return { type: 'addressed', to, message }
}
