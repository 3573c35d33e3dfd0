import type { Bench } from './bench.ts'
import type { Pace } from './farm.ts'
import type { OwnFarm } from './own-farm.ts'

interface Named {
  /** `group.case`: stable, since reports of different days are compared by it. */
  name: string
  /** What ought to happen, as a sentence. */
  title: string
}

/** One that a farm in service can be put through as well. */
export interface OpenScenario extends Named {
  needs?: undefined
  /** Its client has two addresses. */
  twoClients?: true
  /** The least leeway in which it has room. */
  minLeewaySeconds?: number
  /** What it has to wait where nobody steers the clock, in seconds; nothing when absent. */
  waitsSeconds?: (pace: Pace) => number
  run(bench: Bench): Promise<void>
}

/** One that needs more than tokens and a node. */
export interface HomeScenario extends Named {
  /** What only the laboratory's own farm has, as a report says it. */
  needs: string
  run(bench: Bench<OwnFarm>): Promise<void>
}

/** One case of the laboratory. */
export type Scenario = OpenScenario | HomeScenario
