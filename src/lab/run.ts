import { errorText, formatEndpoint } from '../lib/index.ts'
import { Bench, type Row } from './bench.ts'
import { LabClock } from './clock.ts'
import type { Farm } from './farm.ts'
import { LogBook, type LogLine } from './log-book.ts'
import { OwnFarm } from './own-farm.ts'
import { findObstacle, type Obstacle } from './preflight.ts'
import { Random } from './random.ts'
import type { LabRoles } from './roles.ts'
import { RunningFarm, type RunningFarmOptions } from './running-farm.ts'
import type { OpenScenario, Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

interface CommonOptions {
  /** What is left to chance depends on it alone. */
  seed: number
  /** Called before the first scenario. */
  onPlan?: (plan: LabPlan) => void
  /** Called after each scenario, and at the end for each that was left out. */
  onResult?: (result: ScenarioResult) => void
  /** All when absent. */
  scenarios?: readonly Scenario[]
  /** Leaves what is not walked yet. */
  signal?: AbortSignal
}

const INTERRUPTED = 'interrupted'
const NOBODY_GETS_IN = 'a fresh token does not come through'
/** In the results only when it fails: its name is no scenario's. */
const PREFLIGHT = {
  name: 'set-up.fresh-token',
  title: 'Before all else, a fresh token reaches the echo host',
}

export interface LabOptions extends CommonOptions {
  roles: LabRoles
  /** Where the lab's clock begins; certificates are made for it, and TLS looks at the real time. */
  startMs: number
}

export interface RunningLabOptions extends CommonOptions, RunningFarmOptions {
  /** Scenarios that wait longer than so many seconds are left out. */
  longestSeconds: number
}

export interface LabPlan {
  walked: number
  skipped: number
  /** What is waited for at least. */
  waitsSeconds: number
}

export interface ScenarioResult {
  name: string
  title: string
  rows: Row[]
  /** What the broker wrote down about the scenario's tokens. */
  brokerLog: LogLine[]
  /** It could not be walked to its end: something in the lab itself, or in the farm. */
  error?: string
  /** Why it was not walked, or not to its end. */
  skipped?: string
  durationMs: number
}

export interface LabResult {
  seed: number
  startMs: number
  /** The farm that was running anyway; absent for the laboratory's own. */
  gateway?: string
  /** Why nothing was walked there; the first of the scenarios says so as well. */
  obstacle?: Obstacle
  scenarios: ScenarioResult[]
  /** Somebody has ended it before its end. */
  interrupted: boolean
  /** It was not, and everything that was walked was as it should be. */
  passed: boolean
}

/**
 * Starts a farm, walks every scenario and stops it again.
 *
 * @throws BrokerError `ERR_START` and others when the farm does not start
 */
export async function runLab(options: LabOptions): Promise<LabResult> {
  const { roles, startMs, seed, signal, scenarios = SCENARIOS } = options
  const clock = new LabClock(startMs)
  const farm = await OwnFarm.start({ roles, clock, book: new LogBook(clock) })
  try {
    options.onPlan?.({ walked: scenarios.length, skipped: 0, waitsSeconds: 0 })
    const results: ScenarioResult[] = []
    for (const scenario of scenarios) {
      const bench = benchFor(farm, scenario, seed)
      const result = await walk({ scenario, bench, run: () => scenario.run(bench), signal })
      results.push(result)
      options.onResult?.(result)
    }
    return { seed, startMs, ...judge(results, signal) }
  } finally {
    await farm.close()
  }
}

/**
 * Walks the scenarios that a farm in service can be put through: those that wait beside each other, the others one by
 * one. None where not even a fresh token comes through.
 *
 * @throws BrokerError as `RunningFarm.open`
 */
export async function runLabAt(options: RunningLabOptions): Promise<LabResult> {
  const { seed, signal, onResult, scenarios = SCENARIOS } = options
  const farm = await RunningFarm.open(options)
  const startMs = farm.clock.now()
  const common = { seed, startMs, gateway: formatEndpoint(farm.gateway) }
  const obstacle = await findObstacle(farm, signal)
  if (obstacle !== undefined && !signal?.aborted) {
    const results = [
      notWalked(PREFLIGHT, { error: obstacle.message }),
      ...scenarios.map((scenario) => notWalked(scenario, { skipped: NOBODY_GETS_IN })),
    ]
    return { ...common, obstacle, ...judge(results, signal) }
  }
  const results = new Map<Scenario, ScenarioResult>()
  const open: OpenScenario[] = []
  for (const scenario of scenarios) {
    const reason = whyNot(scenario, farm, options)
    if (reason !== undefined) results.set(scenario, notWalked(scenario, { skipped: reason }))
    else if (scenario.needs === undefined) open.push(scenario)
  }
  const leftOut = [...results.values()]
  const waits = (scenario: OpenScenario): number => scenario.waitsSeconds?.(farm) ?? 0
  options.onPlan?.({
    walked: open.length,
    skipped: leftOut.length,
    waitsSeconds: Math.max(0, ...open.map(waits)),
  })
  const walkAll = async (lane: OpenScenario[]): Promise<void> => {
    for (const scenario of lane) {
      const bench = benchFor(farm, scenario, seed)
      const result = await walk({ scenario, bench, run: () => scenario.run(bench), signal })
      results.set(scenario, result)
      onResult?.(result)
    }
  }
  const lanes = [
    ...open.filter((scenario) => waits(scenario) > 0).map((scenario) => [scenario]),
    open.filter((scenario) => waits(scenario) === 0),
  ]
  await Promise.all(lanes.map(walkAll))
  for (const result of leftOut) onResult?.(result)
  await farm.close()
  const inOrder = scenarios.flatMap((scenario) => results.get(scenario) ?? [])
  return { ...common, ...judge(inOrder, signal) }
}

/** Whether it was walked and is as it should be; one without a row has shown nothing. */
export function hasPassed(result: ScenarioResult): boolean {
  return verdictOf(result) === 'ok'
}

export type Verdict = 'ok' | 'fail' | 'skip'

export function verdictOf({ rows, error, skipped }: ScenarioResult): Verdict {
  if (error !== undefined || rows.some(({ faults }) => faults.length > 0)) return 'fail'
  if (skipped !== undefined) return 'skip'
  return rows.length > 0 ? 'ok' : 'fail'
}

function judge(
  scenarios: ScenarioResult[],
  signal: AbortSignal | undefined,
): Pick<LabResult, 'scenarios' | 'interrupted' | 'passed'> {
  const verdicts = scenarios.map(verdictOf)
  const interrupted = signal?.aborted ?? false
  const passed = !interrupted && verdicts.includes('ok') && !verdicts.includes('fail')
  return { scenarios, interrupted, passed }
}

function benchFor<F extends Farm>(farm: F, { name }: Scenario, seed: number): Bench<F> {
  return new Bench(farm, Random.named(seed, name), name)
}

/** @returns what is missing for it; undefined when it can be walked */
function whyNot(
  scenario: Scenario,
  farm: Farm,
  { longestSeconds }: Pick<RunningLabOptions, 'longestSeconds'>,
): string | undefined {
  if (scenario.needs !== undefined) return `needs ${scenario.needs}: in a farm of its own only`
  const { twoClients = false, minLeewaySeconds = 0, waitsSeconds } = scenario
  if (twoClients && farm.clients.bob === undefined) {
    return 'needs a second address of this machine: --second-address'
  }
  if (minLeewaySeconds > farm.leewaySeconds) {
    return `needs a leeway of ${minLeewaySeconds} s, the node forgives ${farm.leewaySeconds}`
  }
  const seconds = waitsSeconds?.(farm) ?? 0
  return seconds > longestSeconds ? `waits ${seconds} s: --longest ${seconds}s` : undefined
}

function notWalked(
  { name, title }: Pick<Scenario, 'name' | 'title'>,
  why: { skipped: string } | { error: string },
): ScenarioResult {
  return { name, title, rows: [], brokerLog: [], ...why, durationMs: 0 }
}

interface Walk {
  scenario: Pick<Scenario, 'name' | 'title'>
  bench: Pick<Bench<Farm>, 'rows' | 'brokerLog' | 'close'>
  run(): Promise<void>
  signal: AbortSignal | undefined
}

/** One scenario, and what it leaves cleared away. */
export async function walk({ scenario, bench, run, signal }: Walk): Promise<ScenarioResult> {
  if (signal?.aborted) return notWalked(scenario, { skipped: INTERRUPTED })
  const startedMs = performance.now()
  let failure: { error: string } | { skipped: string } | undefined
  try {
    await untilAborted(run(), signal)
  } catch (error) {
    failure = signal?.aborted ? { skipped: INTERRUPTED } : { error: errorText(error) }
  }
  // Connections that are closed from here on would count as things seen, where it was interrupted.
  const rows = [...bench.rows]
  try {
    await bench.close()
  } catch (error) {
    failure ??= { error: `while it was cleared away: ${errorText(error)}` }
  }
  const { name, title } = scenario
  return {
    name,
    title,
    rows,
    brokerLog: bench.brokerLog,
    ...failure,
    durationMs: performance.now() - startedMs,
  }
}

/** What still runs then finds its connections closed, and nobody looks at its end. */
async function untilAborted(work: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
