import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { register } from '../../src/cli/farm.ts'
import { FARM } from '../config/files.ts'
import { runCommand, writeFiles } from './run-command.ts'

const KEEPALIVED = `
keepalived:
  interface: eth0
  virtualAddress: 192.0.2.10/24
  virtualRouterId: 51
  balancers: [{ name: lb1, address: 192.0.2.11 }, { name: lb2, address: 192.0.2.12 }]
`

const READY_FIELDS = {
  apiUrl: 'https://localhost:8443',
  apiKey: 'pck_demo_key',
  caFile: '/somewhere/ca.crt',
  gatewayAddress: 'localhost:9443',
  gateways: [
    { id: 'gw1', address: 'localhost:9443' },
    { id: 'gw2', address: 'localhost:9444' },
  ],
}
const READY = JSON.stringify(READY_FIELDS)

const render = (...args: string[]) => runCommand(register, ['farm', 'render', ...args])

test('writes the files of a farm and prints their paths', async () => {
  const files = writeFiles({ 'farm.yaml': FARM + KEEPALIVED })
  const out = join(files.directory, 'out', 'deep')
  const { stdout, stderr, exitCode } = await render('--config', files['farm.yaml'], '--out', out)
  expect(stdout.toString()).toBe(`${join(out, 'haproxy.cfg')}\n${join(out, 'keepalived.conf')}\n`)
  expect(stderr).toBe(
    'portcullis: warning: nodes: only one, consoles end when it does; add a second\n',
  )
  expect(exitCode).toBe(0)
  expect(readFileSync(join(out, 'haproxy.cfg'), 'utf8')).toContain('bind 192.0.2.10:443')
  expect(readFileSync(join(out, 'keepalived.conf'), 'utf8')).toContain('@lb1 priority 150')
})

test("puts a balancer in front of the demo's nodes", async () => {
  const files = writeFiles({ 'demo.json': READY })
  const { stdout, stderr } = await render('--ready-file', files['demo.json'])
  const text = stdout.toString()
  expect(text).toContain('bind 127.0.0.1:9442')
  expect(text).toContain('server gw1 127.0.0.1:9443\n')
  expect(text).toContain('server gw2 127.0.0.1:9444')
  expect(text).toContain("ca-file '/somewhere/ca.crt' verifyhost localhost")
  expect(stderr).toBe('')
})

test('listens where clients dial, when that is no node', async () => {
  const ready = JSON.stringify({ ...READY_FIELDS, gatewayAddress: 'localhost:10443' })
  const files = writeFiles({ 'demo.json': ready })
  const { stdout } = await render('--ready-file', files['demo.json'])
  expect(stdout.toString()).toContain('bind 127.0.0.1:10443')
  expect(stdout.toString()).toContain('server gw1 127.0.0.1:9443 send-proxy-v2 check-send-proxy')
})

test('listens where it is told', async () => {
  const files = writeFiles({ 'demo.json': READY })
  const args = ['--ready-file', files['demo.json'], '--listen', '127.0.0.1:24500', '--json']
  const { stdout } = await render(...args, '--out', files.directory)
  expect(JSON.parse(stdout.toString())).toEqual({ files: [join(files.directory, 'haproxy.cfg')] })
  expect(readdirSync(files.directory)).not.toContain('keepalived.conf')
  const content = JSON.parse((await render(...args)).stdout.toString())
  expect(content['haproxy.cfg']).toContain('bind 127.0.0.1:24500')
})

test('says what is missing or wrong', async () => {
  const files = writeFiles({ 'farm.yaml': `${FARM}mod: x`, 'demo.json': '{}' })
  const cases: Array<[string[], string]> = [
    [['--config', files['farm.yaml']], 'mod: unknown setting; did you mean mode?'],
    [['--ready-file', '/nonexistent'], 'no demo runs here'],
    [['--ready-file', files['demo.json']], 'is no ready file'],
  ]
  for (const [args, message] of cases) {
    const { stderr, exitCode } = await render(...args)
    expect(stderr).toContain(message)
    expect(exitCode, message).toBe(2)
  }
})
