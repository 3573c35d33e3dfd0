import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, expect, type MockInstance, test, vi } from 'vitest'
import { register } from '../../src/cli/console.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
afterEach(() => vi.restoreAllMocks())

let said: MockInstance<typeof process.stderr.write>

async function run(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const program = new Command('portcullis').exitOverride()
  register(program)
  await program.parseAsync(['console', 'open', ...args, ...broker.access], { from: 'user' })
  return write.mock.calls.map(([text]) => String(text)).join('')
}

test('writes a file that only its owner can read, and prints its path', async () => {
  const out = join(broker.files.directory, 'console.rdp')
  writeFileSync(out, 'older, and for everyone', { mode: 0o644 })
  expect(await run('web', '--out', out)).toBe(`${out}\n`)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  const file = parseRdpFile(readFileSync(out))
  expect(file.get('full address')).toBe('192.0.2.10:3389')
  expect(file.get('gatewayhostname')).toBe('localhost:9443')
  expect(readdirSync(broker.files.directory).filter((name) => name.endsWith('.part'))).toEqual([])
})

test("takes the broker's name for the file, here", async () => {
  vi.spyOn(process, 'cwd').mockReturnValue(broker.files.directory)
  const path = (await run('web')).trimEnd()
  const [, ref] = /\/Web-1-([\w-]{9})\.rdp$/.exec(path) ?? []
  expect(said.mock.calls.join('')).toMatch(`portcullis: reference ${ref}, to be opened until 20`)
  expect(existsSync(path)).toBe(true)
})

test('prints JSON without the token', async () => {
  const out = join(broker.files.directory, 'json.rdp')
  const text = await run('web', '--out', out, '--ttl', '5m', '--json')
  const minted = JSON.parse(text)
  expect(minted).toMatchObject({ vm: 'web', file: out, gatewayAddress: 'localhost:9443' })
  const lifetimeMs = Date.parse(minted.expiresAt) - Date.now()
  expect(lifetimeMs).toBeGreaterThan(240_000)
  expect(text).not.toContain(parseRdpFile(readFileSync(out)).get('gatewayaccesstoken'))
})

test('says why there is no console', async () => {
  const out = join(broker.files.directory, 'none.rdp')
  await expect(run('none', '--out', out)).rejects.toMatchObject({
    code: 'ERR_REFUSED',
    message: expect.stringMatching(/^vm-unknown: .* \(reference [\w-]{9}\)$/),
  })
  await expect(run('web', '--ttl', '1h')).rejects.toThrow(/^policy-denied/)
  expect(existsSync(out)).toBe(false)
})

test('takes times with units only', async () => {
  await expect(run('web', '--ttl', 'soon')).rejects.toThrow('need a time such as 60s')
  await expect(run('web', '--ttl', '0')).rejects.toThrow('need a time such as 60s')
})

test('names a directory that it cannot write to', async () => {
  const out = join(broker.files.directory, 'missing', 'x.rdp')
  await expect(run('web', '--out', out)).rejects.toMatchObject({ code: 'ERR_USAGE' })
})
