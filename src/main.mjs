#!/usr/bin/env node
/**
 * The one entry point, in JavaScript that Node 20 can read: it finds a Node that can run the
 * TypeScript sources, sets up dependencies when asked, and hands the arguments to `cli`.
 *
 * Before the command: `--set-up` installs what the command needs, `--set-up=all` what the tests need too.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { constants } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED_MAJOR = 24
const entry = fileURLToPath(import.meta.url)
const root = dirname(dirname(entry))
const modules = join(root, 'node_modules')
const stamp = join(modules, '.portcullis-set-up')

const args = process.argv.slice(2)
if (args[0] === '--set-up' || args[0] === '--set-up=all') {
  setUp(args.shift() === '--set-up=all')
  if (args.length === 0) process.exit()
}

if (major(process.version) >= NEEDED_MAJOR) {
  await runHere()
} else {
  runOnBundledNode()
}

async function runHere() {
  endWithParent()
  if (!existsSync(modules) && existsSync(join(root, 'package-lock.json'))) {
    stop('dependencies are not installed: run `npm ci` first, or `npm start`, which does it')
  }
  // Node runs TypeScript in a clone, but not below node_modules: an installed package brings compiled files.
  const isInstalled = entry.split(sep).includes('node_modules')
  // Types are taken away once, not at each start. Where nobody may write, Node does without.
  if (!isInstalled) nodeModule.enableCompileCache(join(modules, '.cache', 'portcullis'))
  const { run } = await import(isInstalled ? '../dist/cli/index.js' : './cli/index.ts')
  await run(args)
}

/** Node 20 cannot replace its process: it stays as the parent that passes on signals and the exit code. */
function runOnBundledNode() {
  const node = join(modules, '.bin', 'node')
  if (!existsSync(node)) {
    stop(
      `this is Node ${process.version} and Portcullis runs on Node ${NEEDED_MAJOR}: run \`npm ci\`, ` +
        `which brings it on Linux x64 and arm64, or install Node ${NEEDED_MAJOR}`,
    )
  }
  const child = spawn(node, [entry, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  child.on('error', (error) => stop(`${node} does not start: ${error.message}`))
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0)
    process.removeAllListeners()
    clearInterval(watch)
    if (child.connected) child.disconnect()
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const watch = watchNpm(() => child.kill('SIGTERM'))
}

/**
 * Started by one of our own processes (there is an IPC channel), this one ends when that one does,
 * however it died; started by npm, it ends when npm does.
 */
function endWithParent() {
  const end = () => {
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => process.exit(1), 15_000).unref()
  }
  if (process.connected === false) {
    // It died before anybody here could listen for that.
    end()
  } else if (process.connected === true) {
    process.channel.unref()
    process.once('disconnect', end)
  } else {
    watchNpm(end)
  }
}

/** npm passes on INT and TERM; killed or hung up it passes on nothing, but its child gets another parent. */
function watchNpm(end) {
  const parent = process.ppid
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    end()
  }, 500)
  timer.unref()
  return timer
}

function setUp(wantsAll) {
  const all = wantsAll || hasDevelopmentPackages()
  const lock = join(root, 'package-lock.json')
  if (!existsSync(lock)) return
  const digest = createHash('sha256').update(readFileSync(lock)).digest('hex')
  const wanted = `${digest} ${all ? 'all' : 'run'}`
  const done = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
  if (done === wanted || done === `${digest} all`) return
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm would empty what it leads to, under the hands of whoever runs from there.
    stop('node_modules is a link: install the dependencies where it leads to, or remove the link')
  }
  process.stderr.write('Installing dependencies (once per version)…\n')
  const npm = process.env.npm_execpath
  const command = npm === undefined ? ['npm'] : [process.execPath, npm]
  const options = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(all ? [] : ['--omit=dev']),
  ]
  const result = spawnSync(command[0], [...command.slice(1), ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0) {
    stop(
      '`npm ci` failed (its words are above): check the network and the registry, then try again',
    )
  }
  writeFileSync(stamp, wanted)
}

/** `npm ci` takes away what it is told to omit: a start must not leave a developer without tests. */
function hasDevelopmentPackages() {
  // npm's own record of what it has installed.
  const record = join(modules, '.package-lock.json')
  if (!existsSync(record)) return false
  const { packages = {} } = JSON.parse(readFileSync(record, 'utf8'))
  return Object.values(packages).some(({ dev }) => dev === true)
}

function major(version) {
  return Number(version.slice(1).split('.')[0])
}

function stop(sentence) {
  process.stderr.write(`portcullis: ${sentence}\n`)
  process.exit(2)
}
