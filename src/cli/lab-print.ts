import {
  describeLog,
  type LabPlan,
  type LabResult,
  referencesOf,
  type ScenarioResult,
  verdictOf,
} from '../lab/index.ts'
import { BrokerError } from '../lib/index.ts'
import { print, say } from './output.ts'

const MARKS = { ok: 'ok  ', fail: 'FAIL', skip: 'skip' }
/** Of one that waits for nothing, on a machine that has other work. */
const SECONDS_EACH = 0.3

export function sayPlan({ walked, skipped, waitsSeconds }: LabPlan): void {
  const seconds = Math.ceil(waitsSeconds + walked * SECONDS_EACH)
  const leftOut = skipped === 0 ? '' : `, ${skipped} left out`
  say(`${walked} scenarios${leftOut}: about ${seconds} s; Ctrl-C ends it with what is known so far`)
}

export function sayProgress(scenario: ScenarioResult, done: number): void {
  say(`${done}: ${MARKS[verdictOf(scenario)]} ${scenario.name}`)
}

export function printScenario(scenario: ScenarioResult): void {
  const { name, title, rows, error, skipped } = scenario
  print(`${MARKS[verdictOf(scenario)]} ${name}: ${title}`)
  for (const row of rows) {
    const { what, client, tookMs, log, faults } = row
    print(
      `       ${what}: client ${client.outcome} at ${client.step}, ${client.text}, ${tookMs} ms`,
    )
    print(`         log: ${[describeLog(log), ...referencesOf(row)].join(', ')}`)
    for (const fault of faults) print(`         NOT AS EXPECTED: ${fault}`)
  }
  if (error !== undefined) print(`       BROKEN OFF: ${error}`)
  if (skipped !== undefined) print(`       LEFT OUT: ${skipped}`)
}

/**
 * @throws BrokerError `ERR_REFUSED` unless everything was as it should be, and walked to its end; `ERR_NO_ANSWER` when
 *   there was nobody to walk to
 */
export function conclude({ scenarios, passed, interrupted, obstacle, seed }: LabResult): void {
  if (obstacle !== undefined) {
    const { answered, message } = obstacle
    throw new BrokerError(answered ? 'ERR_REFUSED' : 'ERR_NO_ANSWER', message)
  }
  const { ok = [], fail = [], skip = [] } = Object.groupBy(scenarios, verdictOf)
  const rows = scenarios.reduce((sum, scenario) => sum + scenario.rows.length, 0)
  const leftOut = skip.length === 0 ? '' : `, ${skip.length} left out`
  say(
    `${ok.length + fail.length} scenarios, ${rows} rows${leftOut}, ${fail.length} not as expected`,
  )
  if (fail.length > 0) {
    const names = fail.map(({ name }) => name).join(', ')
    throw new BrokerError('ERR_REFUSED', `not as expected: ${names} (--seed ${seed})`)
  }
  if (interrupted) throw new BrokerError('ERR_REFUSED', 'interrupted before its end')
  if (!passed) throw new BrokerError('ERR_REFUSED', 'nothing was walked')
}
