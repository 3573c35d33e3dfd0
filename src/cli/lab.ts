import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import {
  type LabResult,
  LogBook,
  type RunningFarmOptions,
  renderHtml,
  renderJunit,
  runLab,
  runLabAt,
  type ScenarioResult,
  startEchoHost,
} from '../lab/index.ts'
import { type Endpoint, formatEndpoint, systemClock } from '../lib/index.ts'
import { conclude, printScenario, sayPlan, sayProgress } from './lab-print.ts'
import { createLabRoles } from './lab-roles.ts'
import {
  addRunningOptions,
  DEFAULT_LONGEST_SECONDS,
  type RunningOptions,
  runningFarm,
} from './lab-running.ts'
import { tailLines } from './log-tail.ts'
import { printJson, say } from './output.ts'
import { checkOutputFile, writeOutputFile } from './output-file.ts'
import { addressParser } from './port.ts'
import { closeOnSignal } from './shutdown.ts'

const MAX_SEED = 0xffff_ffff

interface Options extends RunningOptions {
  junit?: string
  report?: string
  seed?: number
  json?: boolean
}

/** What both kinds of farm are walked with. */
type Walk = Pick<Parameters<typeof runLab>[0], 'seed' | 'signal' | 'onPlan' | 'onResult'>

export function register(program: Command): void {
  const lab = program
    .command('lab')
    .description('laboratories: the real parts, put through every case')
  const expiry = lab
    .command('expiry')
    .description('walks every way in which a token can be right or wrong, under a clock of its own')
    .option('--junit <file>', 'write the results as JUnit XML')
    .option('--report <file>', 'write a report as one HTML file')
    .option('--seed <n>', 'what is left to chance, as in an earlier run', parseSeed)
    .option('--json', 'all rows as JSON')
  addRunningOptions(expiry)
    .addHelpText(
      'after',
      `
It starts a broker, nodes, hosts and a host agent in this process, on loopback and free ports, and touches nothing else.
With --gateway it goes to a node in service instead, in real time, by tokens that open an echo host alone.
Exit code 1 when a client or a log says anything else than it should.

Examples:
  portcullis lab expiry --report expiry.html --junit expiry.xml
  portcullis lab expiry --gateway gw1.example:443 --ca ca.crt --audience example --issuer-certificate lab.crt \\
    --issuer-key lab.key --echo-host 192.0.2.50:7007 --report expiry.html`,
    )
    .action(runExpiry)
  lab
    .command('echo-host')
    .description('a host that sends back what it gets: the one that a laboratory may reach')
    .requiredOption('--listen <host:port>', 'where, for example 192.0.2.50:7007', addressParser())
    .addHelpText('after', '\nExample:\n  portcullis lab echo-host --listen 192.0.2.50:7007')
    .action(runEchoHost)
}

async function runExpiry(options: Options): Promise<void> {
  const { junit, report, json = false, seed = randomInt(MAX_SEED + 1) } = options
  const running = await runningFarm(options)
  if (junit !== undefined) checkOutputFile(junit, '--junit')
  if (report !== undefined) checkOutputFile(report, '--report')
  say(`Seed ${seed}`)
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  for (const signal of SIGNALS) process.once(signal, interrupt)
  let done = 0
  const show = (scenario: ScenarioResult): void => {
    done += 1
    if (json) sayProgress(scenario, done)
    else printScenario(scenario)
  }
  const walk: Walk = { seed, signal: interruption.signal, onPlan: sayPlan, onResult: show }
  try {
    const result = await (running === undefined
      ? walkOwn(walk)
      : walkRunning({ ...running, ...walk }, options))
    if (json) printJson(result)
    if (junit !== undefined) writeOutputFile(junit, renderJunit(result), '--junit')
    if (report !== undefined) writeOutputFile(report, renderHtml(result), '--report')
    // What was cut short has timers, and the process would stay for as long as they were to wait.
    if (result.interrupted) setImmediate(() => process.exit())
    conclude(result)
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function walkOwn(walk: Walk): Promise<LabResult> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-lab-'))
  try {
    const roles = createLabRoles(directory)
    return await runLab({ ...walk, roles, startMs: systemClock.now() })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function walkRunning(
  walk: Walk & RunningFarmOptions,
  { nodeLog, longest: longestSeconds = DEFAULT_LONGEST_SECONDS }: RunningOptions,
): Promise<LabResult> {
  if (nodeLog === undefined) return runLabAt({ ...walk, longestSeconds })
  const book = new LogBook(systemClock)
  const tail = tailLines(nodeLog, '--node-log', (line) => book.add(line))
  try {
    return await runLabAt({ ...walk, longestSeconds, book })
  } finally {
    tail.close()
  }
}

async function runEchoHost({ listen }: { listen: Endpoint }): Promise<void> {
  const host = await startEchoHost(listen)
  closeOnSignal(async () => host.close())
  say(`echo host listens on ${formatEndpoint(host.address)}`)
}

function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d{1,10}$/.test(text) && seed <= MAX_SEED) return seed
  throw new InvalidArgumentError(`need a whole number from 0 to ${MAX_SEED}.`)
}
