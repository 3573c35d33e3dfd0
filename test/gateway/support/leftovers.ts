import { eventually } from '../../helpers/eventually.ts'
import type { ScriptedHost } from './scripted-host.ts'
import type { TestNode } from './test-node.ts'

/** What a leak shows in; listeners, pipes and the runner's own are not of our making. */
const COUNTED = ['TCPSocketWrap', 'TLSWrap', 'TCPConnectWrap', 'Timeout']
/** Less than a node's limits give by themselves. */
const WITHIN_MS = 8_000

/**
 * Remembers what this process holds now.
 *
 * @returns waits until the node holds nothing of its clients any more: no place, no connection to a
 *   host, no socket and no timer
 */
export function watchForLeftovers(node: TestNode, host?: ScriptedHost): () => Promise<void> {
  const before = held()
  return async () => {
    const left = (): string[] =>
      [
        ...Object.entries(held()).map(([what, count]) => `${what} ${count - (before[what] ?? 0)}`),
        `half-open ${node.gateway.figures().halfOpen}`,
        `hosts ${host?.connections.filter(({ closed }) => !closed).length ?? 0}`,
      ].filter((line) => !/ (0|-\d+)$/.test(line))
    await eventually('nothing left', () => left().length === 0, {
      timeoutMs: WITHIN_MS,
      intervalMs: 10,
      context: () => left().join(', '),
    })
  }
}

function held(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const resource of process.getActiveResourcesInfo()) {
    if (COUNTED.includes(resource)) counts[resource] = (counts[resource] ?? 0) + 1
  }
  return counts
}
