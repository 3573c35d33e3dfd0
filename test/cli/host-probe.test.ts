import { expect, onTestFinished, test } from 'vitest'
import { register } from '../../src/cli/host.ts'
import type { ProbedHost, ProbeResult } from '../../src/control/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker({ nodes: ['gw1', 'gw2'] })
const host = (...args: string[]) => broker.run(register, ['host', ...args])

type Finding = Omit<ProbeResult, 'host' | 'address' | 'port' | 'time'>

/** A node that finds every host the same. */
async function connect(name: string, find: (host: ProbedHost) => Finding): Promise<void> {
  const client = broker.createNode(name, {
    probe({ hosts, urgent = false }) {
      for (const probed of hosts) {
        const { id, address, port } = probed
        client.probed({ host: id, address, port, time: Date.now(), urgent, ...find(probed) })
      }
    },
  })
  onTestFinished(() => client.close())
  client.start()
  await eventually(`${name} is asked`, async () => {
    const { stdout } = await host('probe', 'hv1')
    return stdout.includes(`${name} `)
  })
}

test('without a node nobody can look: exit code 3', async () => {
  const { exitCode, stderr } = await host('probe', 'hv1')
  expect(exitCode).toBe(3)
  expect(stderr).toContain('unavailable: No node is connected')
})

test('shows what each node saw, and is done when one finds the host ready', async () => {
  await connect('gw1', () => ({
    ...{ state: 'ready', security: 'tls', dialled: '192.0.2.10', connectMs: 1, answerMs: 12 },
    names: { reverse: ['old.example'], match: false },
  }))
  await connect('gw2', () => ({
    ...{ state: 'wrong-port', reason: 'host-unreachable', answersOn: 3390 },
    detail: 'refuses connections to this port',
  }))
  const { exitCode, stdout, stderr } = await host('probe', 'hv1')
  const [head, gw1, gw2] = stdout.split('\n').map((line) => line.split(/ {2,}/))
  expect(head).toEqual([
    ...['NODE', 'STATE', 'SINCE', 'ADDRESS', 'CONNECT', 'ANSWER'],
    ...['SECURITY', 'CERTIFICATE UNTIL', 'SEEN'],
  ])
  expect(gw1).toEqual([
    ...['gw1', 'ready', expect.any(String), '192.0.2.10', '1 ms', '12 ms', 'tls', '-', '-'],
  ])
  expect(gw2?.at(-1)).toBe('refuses connections to this port')
  expect(stderr).toContain('gw1: reverse look-up calls 192.0.2.10 old.example, not 192.0.2.10')
  expect(stderr).toContain("gw2: port 3390 answers as it should: set the host's port to 3390")
  expect(exitCode).toBe(0)
  const shown = await host('get', 'hv1')
  expect(shown.stdout).toMatch(/^State +ready$/m)
  expect(shown.stdout).toMatch(/^gw2 +wrong-port/m)
  expect((await host('list')).stdout).toMatch(/^hv1 .* ready +-$/m)
})

test('fails when no node finds the host ready, and says why', async () => {
  await connect('gw1', () => ({
    state: 'not-rdp',
    reason: 'host-not-rdp',
    detail: 'answers as HTTP',
  }))
  const { exitCode, stderr } = await host('probe', 'hv1')
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/portcullis: host-not-rdp: no node finds host hv1 ready\n$/)
  expect((await host('list')).stdout).toMatch(/^hv1 .* not-rdp +host-not-rdp$/m)
  const { stdout } = await host('probe', 'hv1', '--json')
  expect(JSON.parse(stdout).states[0]).toMatchObject({ node: 'gw1', detail: 'answers as HTTP' })
})

test('all that the API says of a host is in the JSON of every command', async () => {
  await connect('gw1', () => ({
    ...{ state: 'ready', address: '192.0.2.10', connectMs: 1, answerMs: 12, security: 'tls' },
    certificate: { ...CERTIFICATE, notAfter: Date.UTC(2030, 0) },
    names: { reverse: ['old.example'], match: false },
  }))
  const probed = JSON.parse((await host('probe', 'hv1', '--json')).stdout)
  expect(probed.states[0]).toMatchObject({
    probedAt: expect.any(String),
    certificate: { ...CERTIFICATE, notAfter: '2030-01-01T00:00:00.000Z' },
    names: { reverse: ['old.example'], match: false },
  })
  expect(JSON.parse((await host('get', 'hv1', '--json')).stdout)).toEqual(probed)
  expect(JSON.parse((await host('list', '--json')).stdout).items).toEqual([probed])
})

const CERTIFICATE = {
  protocol: 'TLSv1.3',
  subject: 'CN=hv1',
  issuer: 'CN=ca',
  sha256Thumbprint: 'AA'.repeat(32),
  namesHost: true,
}
