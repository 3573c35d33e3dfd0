import { errorText } from '../lib/index.ts'
import { Bench, type Row } from './bench.ts'
import { LabClock } from './clock.ts'
import { Farm } from './farm.ts'
import { LogBook, type LogLine } from './log-book.ts'
import { Random } from './random.ts'
import type { LabRoles } from './roles.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

export interface LabOptions {
  roles: LabRoles
  /** Where the lab's clock begins; certificates are made for it, and TLS looks at the real time. */
  startMs: number
  /** What is left to chance depends on it alone. */
  seed: number
  /** Called after each scenario. */
  onResult?: (result: ScenarioResult) => void
  /** All when absent. */
  scenarios?: readonly Scenario[]
}

export interface ScenarioResult {
  name: string
  title: string
  rows: Row[]
  /** What the broker wrote down about the scenario's tokens. */
  brokerLog: LogLine[]
  /** It could not be walked to its end: something in the lab itself, or in the farm. */
  error?: string
  durationMs: number
}

export interface LabResult {
  seed: number
  startMs: number
  scenarios: ScenarioResult[]
  /** Everything was as it should be. */
  passed: boolean
}

/**
 * Starts a farm, walks every scenario and stops it again.
 *
 * @throws BrokerError `ERR_START` and others when the farm does not start
 */
export async function runLab(options: LabOptions): Promise<LabResult> {
  const { roles, startMs, seed, onResult, scenarios = SCENARIOS } = options
  const clock = new LabClock(startMs)
  const book = new LogBook(clock)
  const random = new Random(seed)
  const farm = await Farm.start({ roles, clock, book })
  const results: ScenarioResult[] = []
  try {
    for (const scenario of scenarios) {
      const result = await walk(scenario, new Bench(farm, random, scenario.name))
      results.push(result)
      onResult?.(result)
    }
  } finally {
    await farm.close()
  }
  return { seed, startMs, scenarios: results, passed: results.every(hasPassed) }
}

/** A scenario without a row has shown nothing. */
export function hasPassed({ rows, error }: ScenarioResult): boolean {
  return error === undefined && rows.length > 0 && rows.every(({ faults }) => faults.length === 0)
}

async function walk({ name, title, run }: Scenario, bench: Bench): Promise<ScenarioResult> {
  const startedMs = performance.now()
  let failure: { error: string } | undefined
  try {
    await run(bench)
  } catch (error) {
    failure = { error: errorText(error) }
  }
  try {
    await bench.close()
  } catch (error) {
    failure ??= { error: `while it was cleared away: ${errorText(error)}` }
  }
  return {
    name,
    title,
    rows: bench.rows,
    brokerLog: bench.brokerLog,
    ...failure,
    durationMs: performance.now() - startedMs,
  }
}
