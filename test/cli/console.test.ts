import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { register } from '../../src/cli/console.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

let files: BrokerFiles
let broker: RunningBroker
let access: string[]

beforeAll(async () => {
  files = await createBrokerFiles()
  broker = await start(files.config)
  access = [
    ...['--api', `https://127.0.0.1:${broker.address.port}`],
    ...['--key-file', files.keyFile],
    ...['--ca', files.caFile],
  ]
})
afterEach(() => vi.restoreAllMocks())
afterAll(async () => {
  await broker.close()
  files.remove()
})

async function run(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const program = new Command('portcullis').exitOverride()
  register(program)
  await program.parseAsync(['console', 'open', ...args], { from: 'user' })
  return write.mock.calls.map(([text]) => String(text)).join('')
}

test('writes a file that only its owner can read, and prints its path', async () => {
  const out = join(files.directory, 'console.rdp')
  writeFileSync(out, 'older, and for everyone', { mode: 0o644 })
  expect(await run('web', '--out', out, ...access)).toBe(`${out}\n`)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  const file = parseRdpFile(readFileSync(out))
  expect(file.get('full address')).toBe('192.0.2.10:3389')
  expect(file.get('gatewayhostname')).toBe('localhost:9443')
  expect(readdirSync(files.directory).filter((name) => name.endsWith('.part'))).toEqual([])
})

test("takes the broker's name for the file, here", async () => {
  vi.spyOn(process, 'cwd').mockReturnValue(files.directory)
  const path = (await run('web', ...access)).trimEnd()
  expect(path).toMatch(/\/Web-1-[\w-]{9}\.rdp$/)
  expect(existsSync(path)).toBe(true)
})

test('prints JSON without the token', async () => {
  const out = join(files.directory, 'json.rdp')
  const text = await run('web', '--out', out, '--ttl', '5m', '--json', ...access)
  const minted = JSON.parse(text)
  expect(minted).toMatchObject({ vm: 'web', file: out, gatewayAddress: 'localhost:9443' })
  const lifetimeMs = Date.parse(minted.expiresAt) - Date.now()
  expect(lifetimeMs).toBeGreaterThan(240_000)
  expect(text).not.toContain(parseRdpFile(readFileSync(out)).get('gatewayaccesstoken'))
})

test('says why there is no console', async () => {
  const out = join(files.directory, 'none.rdp')
  await expect(run('none', '--out', out, ...access)).rejects.toMatchObject({
    code: 'ERR_REFUSED',
    message: expect.stringMatching(/^vm-unknown: .* \(reference [\w-]{9}\)$/),
  })
  await expect(run('web', '--ttl', '1h', ...access)).rejects.toThrow(/^policy-denied/)
  expect(existsSync(out)).toBe(false)
})

test('takes times with units only', async () => {
  await expect(run('web', '--ttl', 'soon', ...access)).rejects.toThrow('need a time such as 60s')
  await expect(run('web', '--ttl', '0', ...access)).rejects.toThrow('need a time such as 60s')
})

test('names a directory that it cannot write to', async () => {
  const out = join(files.directory, 'missing', 'x.rdp')
  await expect(run('web', '--out', out, ...access)).rejects.toMatchObject({ code: 'ERR_USAGE' })
})
