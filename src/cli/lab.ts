import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import {
  describeLog,
  hasPassed,
  type LabResult,
  referencesOf,
  renderHtml,
  renderJunit,
  runLab,
  type ScenarioResult,
} from '../lab/index.ts'
import { BrokerError, errorText, systemClock } from '../lib/index.ts'
import { createLabRoles } from './lab-roles.ts'
import { print, printJson, say } from './output.ts'

const MAX_SEED = 0xffff_ffff

interface Options {
  junit?: string
  report?: string
  seed?: number
  json?: boolean
}

export function register(program: Command): void {
  program
    .command('lab')
    .description('laboratories: the real parts, put through every case')
    .command('expiry')
    .description('walks every way in which a token can be right or wrong, under a clock of its own')
    .option('--junit <file>', 'write the results as JUnit XML')
    .option('--report <file>', 'write a report as one HTML file')
    .option('--seed <n>', 'what is left to chance, as in an earlier run', parseSeed)
    .option('--json', 'all rows as JSON')
    .addHelpText(
      'after',
      `
It starts a broker, nodes, hosts and a host agent in this process, on loopback and free ports, and touches nothing else.
Exit code 1 when a client or a log says anything else than it should.

Example:
  portcullis lab expiry --report expiry.html --junit expiry.xml`,
    )
    .action(runExpiry)
}

async function runExpiry(options: Options): Promise<void> {
  const { junit, report, json = false, seed = randomInt(MAX_SEED + 1) } = options
  say(`Seed ${seed}`)
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-lab-'))
  try {
    const result = await runLab({
      roles: createLabRoles(directory),
      startMs: systemClock.now(),
      seed,
      onResult: (scenario) => {
        if (!json) printScenario(scenario)
      },
    })
    if (json) printJson(result)
    if (junit !== undefined) writeFile(junit, renderJunit(result), '--junit')
    if (report !== undefined) writeFile(report, renderHtml(result), '--report')
    conclude(result)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function printScenario(scenario: ScenarioResult): void {
  const { name, title, rows, error } = scenario
  print(`${hasPassed(scenario) ? 'ok  ' : 'FAIL'} ${name}: ${title}`)
  for (const row of rows) {
    const { what, client, log, faults } = row
    print(`       ${what}: client ${client.outcome} at ${client.step}, ${client.text}`)
    print(`         log: ${[describeLog(log), ...referencesOf(row)].join(', ')}`)
    for (const fault of faults) print(`         NOT AS EXPECTED: ${fault}`)
  }
  if (error !== undefined) print(`       BROKEN OFF: ${error}`)
}

/** @throws BrokerError `ERR_REFUSED` unless everything was as it should be */
function conclude({ scenarios, passed, seed }: LabResult): void {
  const rows = scenarios.reduce((sum, scenario) => sum + scenario.rows.length, 0)
  const failed = scenarios.filter((scenario) => !hasPassed(scenario))
  say(`${scenarios.length} scenarios, ${rows} rows, ${failed.length} not as expected`)
  if (passed) return
  const names = failed.map(({ name }) => name).join(', ')
  throw new BrokerError('ERR_REFUSED', `not as expected: ${names} (--seed ${seed})`)
}

function writeFile(path: string, text: string, option: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${option} ${path}: ${errorText(error)}`, { cause: error })
  }
}

function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d{1,10}$/.test(text) && seed <= MAX_SEED) return seed
  throw new InvalidArgumentError(`need a whole number from 0 to ${MAX_SEED}.`)
}
