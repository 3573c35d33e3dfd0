/**
 * `npm test`: sets up what it needs, then types, lint and every suite, and says the totals in its last line.
 * With `CI` set it installs the Debian packages too, and a missing program fails instead of skipping.
 * Plain JavaScript that Node 20 can read. Arguments go to vitest: `npm test -- --project e2e`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPrograms } from './set-up-debian.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')

run(process.execPath, ['src/main.mjs', '--set-up=all'])
if (process.env.CI) installPrograms()

// Every tool starts with `#!/usr/bin/env node`: the Node that came with the dependencies goes first.
process.env.PATH = `${bin}:${process.env.PATH}`

const failed = [
  ['types', ['tsc', '--noEmit']],
  ['lint', ['biome', 'check']],
].filter(([, [tool, ...args]]) => run(join(bin, tool), args) !== 0)

const SUITES = ['unit', 'conformance', 'fuzz', 'e2e']
const chosen = process.argv.slice(2)
const totals = runSuites(chosen.length > 0 ? chosen : SUITES.flatMap((name) => ['--project', name]))
for (const [name] of failed) process.stdout.write(`${name}: failed\n`)
const failures = totals.failed + failed.length
process.stdout.write(`${totals.passed} passed, ${failures} failed, ${totals.skipped} skipped\n`)
process.exitCode = failures === 0 && totals.passed > 0 && totals.complete ? 0 : 1

function runSuites(args) {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  const report = join(directory, 'report.json')
  const status = run(join(bin, 'vitest'), [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...args,
  ])
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined
  rmSync(directory, { recursive: true })
  if (result === undefined) return { passed: 0, failed: 1, skipped: 0, complete: false }
  const skipped = result.testResults
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status === 'skipped' || status === 'pending' || status === 'todo')
  for (const { fullName } of skipped) process.stdout.write(`skipped: ${fullName}\n`)
  // A file that cannot even be loaded has no assertions, but it is a failure.
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + broken.length,
    skipped: skipped.length,
    complete: status === 0,
  }
}

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status
}
