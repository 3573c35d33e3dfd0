import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BROKEN, rdpHost, rdpWithoutItsTls } from '../helpers/broken-hosts.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { type HyperVHost, startHyperVHost } from '../helpers/hyperv-host.ts'
import { freePort } from '../helpers/ports.ts'
import { testWithPrograms } from '../helpers/programs.ts'
import { type ShadowHost, startShadowHost } from '../helpers/shadow-host.ts'
import { startTcpHost, type TcpHost } from '../helpers/tcp-host.ts'
import { createTestKeyPair } from '../helpers/test-key-pair.ts'

const GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'

/** What each host is, and what the nodes should make of it. */
const EXPECTED: Record<string, { state: string; reason: string; detail: RegExp }> = {
  silent: { state: 'not-rdp', reason: 'host-not-rdp', detail: /says nothing within 3000 ms/ },
  resetting: { state: 'not-rdp', reason: 'host-not-rdp', detail: /^resets the connection$/ },
  web: { state: 'not-rdp', reason: 'host-not-rdp', detail: /^answers as HTTP$/ },
  moved: { state: 'wrong-port', reason: 'host-unreachable', detail: /^refuses connections/ },
  tlsless: { state: 'tls-mismatch', reason: 'host-tls-mismatch', detail: /^TLS fails/ },
  pinned: {
    state: 'tls-mismatch',
    reason: 'host-tls-mismatch',
    detail: /^certificate: need A{64}/,
  },
  away: { state: 'unreachable', reason: 'host-unreachable', detail: /^refuses connections/ },
  forbidden: { state: 'unreachable', reason: 'target-not-allowed', detail: /no rule allows/ },
}

/** Two nodes look at hosts that are broken, each in another way, and at three that work. */
describe('probes', () => {
  const hosts: TcpHost[] = []
  let farm: FarmRun
  let shadow: ShadowHost | undefined
  let hyperv: HyperVHost

  beforeAll(async () => {
    const tls = await createTestKeyPair()
    const run = async (
      behaviour: Parameters<typeof startTcpHost>[0],
      port = 0,
    ): Promise<number> => {
      const host = await startTcpHost(behaviour, port)
      hosts.push(host)
      return host.port
    }
    const broken = (name: string) => BROKEN[name] ?? (() => {})
    const moved = await freePort(2)
    await run(rdpHost(tls), moved + 1)
    hyperv = await startHyperVHost([GUID])
    hosts.push(hyperv)
    shadow = await startShadowHost().catch(() => undefined)
    const ports: Record<string, number> = {
      silent: await run(broken('accepts and says nothing')),
      resetting: await run(broken('resets when asked')),
      web: await run(broken('answers HTTP')),
      moved,
      tlsless: await run(rdpWithoutItsTls),
      pinned: await run(rdpHost(tls)),
      away: await freePort(),
      ready: await run(rdpHost(tls)),
      forbidden: await run(rdpHost(tls)),
      hyperv: hyperv.port,
      ...(shadow === undefined ? {} : { shadow: shadow.port }),
    }
    const { forbidden, ...allowed } = ports
    farm = await startFarm(['gw1', 'gw2'], {
      probeEverySeconds: 60,
      allow: [{ cidr: '127.0.0.1/32', ports: [...Object.values(allowed), moved + 1] }],
    })
    for (const [id, port] of Object.entries(ports)) {
      const { status } = await farm.api('PUT', `/v1/hosts/${id}`, {
        ...{ kind: id === 'hyperv' ? 'hyperv' : 'rdp', address: '127.0.0.1', port },
        ...(id === 'pinned' ? { pin: 'A'.repeat(64) } : {}),
        console: { allow: true },
      })
      expect(status).toBe(201)
    }
    const many = { name: 'One of many', tenant: 'acme', host: 'hyperv', guid: GUID }
    await farm.api('PUT', '/v1/vms/many', many)
  })
  afterAll(async () => {
    await farm?.stop()
    await shadow?.stop()
    for (const host of hosts) host.stop()
  })

  const read = async (id: string) => {
    const { body } = await farm.api('GET', `/v1/hosts/${id}`)
    return JSON.parse(body.toString('utf8'))
  }

  /** The hosts are in this process: one that a busy machine has kept from its answer for 3 s is looked at once more. */
  async function judge(id: string, check: (host: Awaited<ReturnType<typeof read>>) => void) {
    try {
      check(await read(id))
    } catch {
      await farm.cli('host', 'probe', id)
      check(await read(id))
    }
  }

  /** What the command says when it is content; a host may be late, as in {@link judge}. */
  function probesReady(id: string): Promise<string> {
    return eventually(`${id} is ready`, async () => {
      const { code, output } = await farm.cli('host', 'probe', id)
      return code === 0 && output
    })
  }

  test('run by themselves, on both nodes', async () => {
    for (const id of ['ready', 'hyperv', ...Object.keys(EXPECTED)]) {
      await eventually(`both nodes have looked at ${id}`, async () => (await read(id)).states[1], {
        timeoutMs: 60_000,
      })
    }
    await judge('ready', (host) => {
      expect(host).toMatchObject({
        state: 'ready',
        states: [
          { node: 'gw1', state: 'ready', security: 'tls' },
          { node: 'gw2', state: 'ready', certificate: { namesHost: true } },
        ],
      })
    })
    await eventually('TLS at the host', () => hyperv.connections[0]?.tls)
    expect(hyperv.connections[0]).toMatchObject({ text: GUID, firstInside: undefined })
  })

  test.each(Object.entries(EXPECTED))('find %s, each in its way', async (id, expected) => {
    await judge(id, ({ state, reason, hint, states, port }) => {
      expect({ state, reason }).toEqual({ state: expected.state, reason: expected.reason })
      expect(hint).toBeTruthy()
      for (const { detail } of states) expect(detail).toMatch(expected.detail)
      if (id === 'moved') expect(states[0].answersOn).toBe(port + 1)
    })
  })

  test('on demand tell within the time of one, with an exit code for scripts', async () => {
    const beganMs = performance.now()
    const silent = await farm.cli('host', 'probe', 'silent')
    expect(performance.now() - beganMs).toBeLessThan(30_000)
    expect(silent.code).toBe(1)
    expect(silent.output).toMatch(/gw2 +not-rdp/)
    await probesReady('ready')
  })

  testWithPrograms(
    ['freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot'],
    "find FreeRDP's server ready",
    async () => {
      expect(await probesReady('shadow')).toMatch(/gw1 +ready/)
    },
  )

  test('notice a host that goes, and one that comes back', async () => {
    const { port } = await read('away')
    const host = await startTcpHost(rdpHost(), port)
    try {
      await probesReady('away')
    } finally {
      host.stop()
    }
    expect((await farm.cli('host', 'probe', 'away')).code).toBe(1)
    expect(await read('away')).toMatchObject({ state: 'unreachable' })
  })
})
