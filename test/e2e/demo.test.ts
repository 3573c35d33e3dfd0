import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCertificate } from '../../src/certs/index.ts'
import { verifyRdpFile } from '../../src/rdpfile/index.ts'
import { fetchConsoleFile } from '../helpers/api.ts'
import { ENTRY, startDemoRun, untilReadyFile } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import { freePort } from '../helpers/ports.ts'
import { type RunningProgram, START_MS, startProgram } from '../helpers/programs.ts'

const ROOT = join(import.meta.dirname, '../..')

let scratch: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'portcullis-start-'))
})

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true })
})

describe('npm start', () => {
  test('writes the ready file, private, with every name that scripts rely on', async () => {
    const demo = await startDemoRun()
    try {
      expect(Object.keys(demo.ready).sort()).toEqual(
        'apiKey apiUrl caFile gatewayAddress gateways operator pid portalUrl tenant vms'.split(' '),
      )
      expect(demo.ready.pid).toBe(demo.program.pid)
      expect(demo.ready.apiUrl).toBe(demo.ready.portalUrl)
      expect(demo.ready.gatewayAddress).toBe(demo.ready.gateways[0]?.address)
      expect((await stat(demo.readyFile)).mode & 0o777).toBe(0o600)
      expect(await rolesOf(demo.dataDirectory)).toHaveLength(5)
    } finally {
      await demo.stop()
    }
  })

  test('hands over files that its publisher has signed, as its own authority says', async () => {
    const demo = await startDemoRun()
    try {
      const file = await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? '')
      const authorities = [readCertificate(await readFile(demo.ready.caFile, 'utf8'))]
      const { verdict, publisher } = verifyRdpFile(file, { nowMs: Date.now(), authorities })
      expect(verdict).toBe('valid')
      expect(publisher?.subject).toContain('demo publisher')
    } finally {
      await demo.stop()
    }
  })

  test('only the broker is told where the issuer key is', async () => {
    const demo = await startDemoRun()
    try {
      const directory = join(demo.dataDirectory, 'config')
      const naming = []
      for (const name of await readdir(directory)) {
        if ((await readFile(join(directory, name), 'utf8')).includes('issuer.key'))
          naming.push(name)
      }
      expect(naming).toEqual(['broker.yaml'])
    } finally {
      await demo.stop()
    }
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
    test(`leaves nothing running when npm gets ${signal}`, async () => {
      const { npm, directory } = await startByNpm(`npm-${signal}`)
      expect(await rolesOf(directory)).toHaveLength(5)
      npm.child.kill(signal)
      await npm.ended
      await eventually('every part ends', async () => (await rolesOf(directory)).length === 0)
      if (signal !== 'SIGKILL') {
        await eventually('ready file is removed', () => !existsSync(join(directory, 'demo.json')))
      }
    })
  }

  test('a killed supervisor takes every part with it, and its ready file does not stop the next', async () => {
    const directory = join(scratch, 'killed')
    const first = await startIn(directory)
    process.kill(first.ready.pid, 'SIGKILL')
    await first.program.ended
    await eventually('every part ends', async () => (await rolesOf(directory)).length === 0)
    expect(existsSync(join(directory, 'demo.json'))).toBe(true)
    const second = await startIn(directory, first.ready.pid)
    expect(second.ready.pid).toBe(second.program.pid)
    await second.program.stop()
  })

  test('a second start uses what the first one made', async () => {
    const directory = join(scratch, 'again')
    const runs = []
    for (let start = 0; start < 2; start += 1) {
      const run = await startIn(directory)
      const ca = await readFile(run.ready.caFile, 'utf8')
      runs.push({ ca, apiKey: run.ready.apiKey, tenant: run.ready.tenant, vms: run.ready.vms })
      await run.program.stop()
      expect(existsSync(join(directory, 'demo.json'))).toBe(false)
    }
    expect(runs[1]).toEqual(runs[0])
  })
})

describe('npm start says in one sentence what to do', () => {
  test('when a port is taken', async () => {
    const taken = await freePort()
    const server = createServer().listen(taken, '127.0.0.1')
    await once(server, 'listening')
    const text = await refusal(['--portal-port', String(taken)])
    server.close()
    expect(text).toMatch(new RegExp(`port ${taken} on 127.0.0.1 is in use: .*--portal-port`))
  })

  test('when the data directory cannot be made', async () => {
    const file = join(scratch, 'a-file')
    await writeFile(file, '')
    expect(await refusal([], join(file, 'data'))).toMatch(/data directory .*--data-dir/)
    const nowhere = '/proc/portcullis/data'
    expect(await refusal([], nowhere)).toMatch(RegExp(`data directory ${nowhere} .*--data-dir`))
  })

  test('when a certificate is broken', async () => {
    const directory = join(scratch, 'broken')
    const run = await startIn(directory)
    await run.program.stop()
    const half = (await readFile(run.ready.caFile)).subarray(0, 100)
    await writeFile(run.ready.caFile, half)
    expect(await refusal([], directory)).toMatch(/certificates are broken: .*remove .*ca\.crt/)
  })

  test('when a demo with this data directory runs already', async () => {
    const directory = join(scratch, 'twice')
    const run = await startIn(directory)
    expect(await refusal([], directory)).toMatch(/runs already \(process \d+\): .*--data-dir/)
    await run.program.stop()
  })

  test('when an option cannot be right', async () => {
    expect(await refusal(['--listen', '0.0.0.0'])).toContain('loopback')
    expect(await refusal(['--console', 'no port here'])).toContain('host:port')
    expect(await refusal(['--gateway-port', '0'])).toContain('1 to 65535')
  })
})

interface Started {
  program: RunningProgram
  ready: Awaited<ReturnType<typeof untilReadyFile>>
}

/** @param notPid the process of a ready file that an earlier run left behind */
async function startIn(directory: string, notPid?: number): Promise<Started> {
  const program = startProgram(process.execPath, [ENTRY, ...(await demoArgs(directory))])
  const ready = await eventually(
    'own ready file',
    async () => {
      const found = await untilReadyFile(join(directory, 'demo.json'), program)
      return found.pid !== notPid && found
    },
    { timeoutMs: START_MS, context: program.output },
  )
  return { program, ready }
}

/** As a person does, with npm between us and the demo. */
async function startByNpm(name: string): Promise<{ npm: RunningProgram; directory: string }> {
  const directory = join(scratch, name)
  const [, ...options] = await demoArgs(directory)
  const npm = startProgram('npm', ['start', '--', ...options], { cwd: ROOT })
  await untilReadyFile(join(directory, 'demo.json'), npm)
  return { npm, directory }
}

async function demoArgs(directory: string): Promise<string[]> {
  const ports = await freePort(3)
  return [
    'demo',
    ...['--data-dir', directory],
    ...['--portal-port', String(ports)],
    ...['--gateway-port', String(ports + 1)],
  ]
}

/** The last words of a demo that must not start. */
async function refusal(options: string[], directory?: string): Promise<string> {
  const at = directory ?? (await mkdtemp(join(scratch, 'refused-')))
  const program = startProgram(process.execPath, [ENTRY, ...(await demoArgs(at)), ...options])
  const code = await program.ended
  expect(code).toBeGreaterThan(0)
  expect(program.output()).not.toMatch(/\n {4}at /)
  return program.output()
}

/** Process ids whose command line names a file of this data directory, or whose output goes there: the roles. */
async function rolesOf(directory: string): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (
      command.includes(directory) &&
      / (broker|gateway|demo-host|host-agent) /.test(command.replaceAll('\0', ' '))
    ) {
      found.push(Number(name))
    }
  }
  return found
}
