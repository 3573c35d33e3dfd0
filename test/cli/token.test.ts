import { beforeAll, expect, test } from 'vitest'
import { register } from '../../src/cli/token.ts'
import type { Secret } from '../../src/lib/index.ts'
import { renderConsoleFile } from '../../src/rdpfile/index.ts'
import { createIssuerPair, mint } from '../tokens/minting.ts'
import { runCommand, writeFiles } from './run-command.ts'

let token: Secret

beforeAll(async () => {
  token = mint(await createIssuerPair())
})

const inspect = (...args: string[]) => runCommand(register, ['token', 'inspect', ...args])

const fileFor = (host: string): Uint8Array =>
  renderConsoleFile({
    kind: 'rdp',
    host,
    port: 3389,
    gatewayAddress: 'gw.example:443',
    gatewayToken: token,
  })

test('shows header and claims, times in words, and says that nothing was verified', async () => {
  const files = writeFiles({ token: `${token.reveal()}\n` })
  const { stdout, stderr, exitCode } = await inspect(files.token)
  expect(stdout.toString()).toContain('  alg       "ES256"')
  expect(stdout.toString()).toMatch(/ {2}exp {7}\d+ {2}2026-11-21T12:01:00.000Z, /)
  expect(stdout.toString()).not.toContain(token.reveal())
  expect(stderr).toContain('Not verified')
  expect(exitCode).toBe(0)
})

test('finds the token in an .rdp file', async () => {
  const files = writeFiles({ 'console.rdp': fileFor('192.0.2.10') })
  const { stdout, exitCode } = await inspect(files['console.rdp'], '--json')
  expect(JSON.parse(stdout.toString())).toMatchObject({ claims: { vm: 'vm-1' }, issues: [] })
  expect(exitCode).toBe(0)
})

test('says when a file and its token name different targets', async () => {
  const files = writeFiles({ 'console.rdp': fileFor('192.0.2.11') })
  const { stderr, exitCode } = await inspect(files['console.rdp'])
  expect(stderr).toContain('full address: file names 192.0.2.11:3389, token 192.0.2.10:3389')
  expect(exitCode).toBe(1)
})

test('names what is wrong with a token on the last line', async () => {
  const files = writeFiles({ token: token.reveal().slice(0, -21) })
  const { stderr, exitCode } = await inspect(files.token)
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^portcullis: token-malformed: /)
  expect(exitCode).toBe(1)
})

test('takes no token as argument and does not repeat it', async () => {
  const { stderr, exitCode } = await inspect(token.reveal())
  expect(stderr).toBe('portcullis: need a file, have a token: pass it on standard input\n')
  expect(exitCode).toBe(2)
})

test('says when there is no file or no token in it', async () => {
  expect((await inspect('/nonexistent/token')).exitCode).toBe(2)
  const files = writeFiles({ 'plain.rdp': 'full address:s:host' })
  const { stderr, exitCode } = await inspect(files['plain.rdp'])
  expect(stderr).toBe('portcullis: gatewayaccesstoken: not in the file\n')
  expect(exitCode).toBe(1)
})
