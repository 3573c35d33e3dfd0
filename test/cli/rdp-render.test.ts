import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { register } from '../../src/cli/rdp.ts'
import type { Secret } from '../../src/lib/index.ts'
import { parseRdpFile, verifyRdpFile } from '../../src/rdpfile/index.ts'
import { createSigning, NOW_MS } from '../rdpfile/signing.ts'
import { createIssuerPair, mint } from '../tokens/minting.ts'
import { runCommand, writeFiles } from './run-command.ts'

const GUID = '5f0fd5ae-5e1b-4c9e-9a4e-0f35f6b7a1c2'
let token: Secret

beforeAll(async () => {
  token = mint(await createIssuerPair(), {
    claims: { knd: 'hyperv', dst: '192.0.2.10:2179', vmg: GUID, rcw: 60 },
  })
})

const render = (...args: string[]) => runCommand(register, ['rdp', 'render', ...args])

test('takes from the token what is not given', async () => {
  const files = writeFiles({ token: token.reveal() })
  const { stdout, exitCode } = await render('--token-file', files.token, '--gateway', 'gw:443')
  expect(exitCode).toBe(0)
  const file = parseRdpFile(stdout)
  expect(file.get('gatewayaccesstoken')).toBe(token.reveal())
  expect(file.get('full address')).toBe('192.0.2.10:2179')
  expect(file.get('pcb')).toBe(GUID)
  expect(file.get('negotiate security layer')).toBe('0')
  expect(file.get('autoreconnection enabled')).toBe('1')
})

test('asks for the enhanced session when told to', async () => {
  const files = writeFiles({ token: token.reveal() })
  const args = ['--token-file', files.token, '--gateway', 'gw:443', '--enhanced-mode']
  expect(parseRdpFile((await render(...args)).stdout).get('pcb')).toBe(`${GUID};EnhancedMode=1`)
})

test("puts a Hyper-V host's own token in, from a file", async () => {
  const files = writeFiles({ token: token.reveal(), 'vm-token': 'VMID=x&y\n' })
  const args = ['--token-file', files.token, '--gateway', 'gw:443']
  const { stdout } = await render(...args, '--endpoint-fedauth', files['vm-token'])
  const file = parseRdpFile(stdout)
  expect(file.get('endpointfedauth')).toBe('VMID=x&y')
  expect(file.get('negotiate security layer')).toBe('1')
  expect(file.get('enablecredsspsupport')).toBe('0')
})

test('options go over JSON, JSON over the token', async () => {
  const files = writeFiles({
    token: token.reveal(),
    'settings.json': JSON.stringify({ kind: 'rdp', port: 3390, gatewayAddress: 'gw:443' }),
  })
  const args = ['--token-file', files.token, '--input', files['settings.json'], '--no-nla']
  const { stdout } = await render(...args, '--gateway', 'other:443')
  const file = parseRdpFile(stdout)
  expect(file.get('full address')).toBe('192.0.2.10:3390')
  expect(file.get('gatewayhostname')).toBe('other:443')
  expect(file.get('enablecredsspsupport')).toBe('0')
})

test('writes a file that only its owner can read, and prints its path', async () => {
  const files = writeFiles({ token: token.reveal() })
  const out = join(files.directory, 'console.rdp')
  const { stdout } = await render('--token-file', files.token, '--gateway', 'gw:443', '--out', out)
  expect(stdout.toString()).toBe(`${out}\n`)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  expect(parseRdpFile(readFileSync(out)).get('gatewayhostname')).toBe('gw:443')
})

test('signs with the publisher that is named, and takes no half of one', async () => {
  const { pair, publisher } = await createSigning()
  const files = writeFiles({
    token: token.reveal(),
    certificate: pair.certificatePem,
    key: pair.privateKeyPem,
  })
  const args = ['--token-file', files.token, '--gateway', 'gw:443']
  const certificate = ['--publisher-certificate', files.certificate]
  const { stdout } = await render(...args, ...certificate, '--publisher-key', files.key)
  const verification = verifyRdpFile(stdout, { nowMs: NOW_MS })
  expect(verification.verdict).toBe('valid')
  expect(verification.publisher?.sha1Thumbprint).toBe(publisher.certificate.sha1Thumbprint)

  const half = await render(...args, ...certificate)
  expect(half.exitCode).toBe(2)
  expect(half.stderr).toContain('--publisher-certificate, --publisher-key: need both')
})

test('says what is missing or wrong', async () => {
  const files = writeFiles({
    token: token.reveal(),
    foreign: 'ver=1;desktopUserToken=abc',
    'wrong.json': '{"kind":"ssh"}',
    'no.json': '{',
  })
  const gateway = ['--gateway', 'gw:443']
  const cases: Array<[string[], string]> = [
    [['--token-file', files.token], '--gateway: not given'],
    [['--token-file', files.foreign, ...gateway], '--target: not given, and the token names none'],
    [
      ['--token-file', files.token, ...gateway, '--target', 'host'],
      '--target host: need host:port',
    ],
    [['--token-file', files.token, ...gateway, '--input', files['wrong.json']], 'kind: '],
    [['--token-file', files.token, ...gateway, '--input', files['no.json']], 'not JSON'],
    [['--token-file', '/nonexistent', ...gateway], '--token-file /nonexistent'],
  ]
  for (const [args, message] of cases) {
    const { stderr, exitCode } = await render(...args)
    expect(stderr).toContain(message)
    expect(exitCode, message).toBe(2)
  }
})
