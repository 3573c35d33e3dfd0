import type { Bench } from './bench.ts'

/** One case of the laboratory. */
export interface Scenario {
  /** `group.case`: stable, since reports of different days are compared by it. */
  name: string
  /** What ought to happen, as a sentence. */
  title: string
  run(bench: Bench): Promise<void>
}
