import type { Bench } from './bench.ts'
import type { NodeWishes, OwnFarm, OwnNode } from './own-farm.ts'

/** A node of the scenario's own, beside the two that are always there; gone with the scenario. */
export async function startOwnNode(bench: Bench<OwnFarm>, wishes: NodeWishes): Promise<OwnNode> {
  const { farm } = bench
  const node = await farm.startNode(wishes)
  bench.onClose(async () => {
    await node.close()
    // A verifier that is gone would hold up the next rotation.
    await farm.broker.api('DELETE', `/v1/issuers/verifiers/${node.name}`)
  })
  return node
}
