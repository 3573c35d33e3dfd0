import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { stringify } from 'yaml'
import { type OpenConsoleOptions, openConsole } from '../../src/client/index.ts'
import { ENTRY } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmNodeRun, type FarmRun, startFarm } from '../helpers/farm.ts'
import { LONG } from '../helpers/long.ts'
import { type Figures, total } from '../helpers/metrics.ts'
import { accepts, freePort } from '../helpers/ports.ts'
import {
  type RunningProgram,
  runProgram,
  START_MS,
  startProgram,
  testWithPrograms,
} from '../helpers/programs.ts'
import { startTcpHost, type TcpHost } from '../helpers/tcp-host.ts'
import { inMb, MemoryWatch } from './soak/memory.ts'
import { SoakTunnels } from './soak/tunnels.ts'

const TUNNELS = LONG ? 2_000 : 200
/** Connections of others at a given moment: checks of the balancer, probes of hosts. */
const PASSERS_BY = 3
const WATCH_MS = LONG ? 600_000 : 30_000
/** Often enough for its own garbage to bring several collections in a third of the time. */
const SAMPLE_MS = LONG ? 2_000 : 250
const PRINT_MS = LONG ? 60_000 : 6_000
/** In which every tunnel says something once. */
const ROUND_MS = LONG ? 20_000 : 4_000
/**
 * Buffers grow with the first traffic of each tunnel, the young generation with the first rounds: 40 MB for
 * 2,000 tunnels within two rounds, 20 MB for 200 within 12 s on a slow machine, then no more.
 */
const WARM_UP_MS = LONG ? 60_000 : 14_000
const AT_ONCE = 16
/** Far below the 30 s of a real node: silence is common in it. */
const KEEP_ALIVE_MS = 1_000
/** What a collection has not come to yet; half a kilobyte that is kept for each packet is above it. */
const HEAP_MARGIN_BYTES = LONG ? 8e6 : 3e6
/** In the short form V8 may still come to enlarge its young generation, to three times 16 MiB. */
const RESIDENT_MARGIN_BYTES = LONG ? 24e6 : 50e6

describe(`${TUNNELS} tunnels through HAProxy`, () => {
  let scratch: string
  let host: TcpHost
  let farm: FarmRun
  let haproxy: RunningProgram
  let port: number
  /** HAProxy gives one client address to one node. */
  let home: FarmNodeRun
  let other: FarmNodeRun
  const tunnels = new SoakTunnels()
  const memory = new MemoryWatch()

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-soak-'))
    host = await startTcpHost((socket) => void socket.pipe(socket))
    port = await freePort()
    farm = await startFarm(['gw1', 'gw2'], {
      address: `localhost:${port}`,
      target: { host: '127.0.0.1', port: host.port },
      limits: { keepAliveMs: KEEP_ALIVE_MS },
    })
    await writeFile(
      join(scratch, 'farm.yaml'),
      stringify({
        name: 'test',
        address: `localhost:${port}`,
        listen: `127.0.0.1:${port}`,
        nodes: farm.nodes.map((node) => ({ name: node.name, address: `127.0.0.1:${node.port}` })),
        caFile: join(farm.certs, 'public', 'ca.crt'),
      }),
    )
    await runProgram(process.execPath, [
      ENTRY,
      ...['farm', 'render', '--config', join(scratch, 'farm.yaml'), '--out', scratch],
    ])
    // All of them stand on one node, also when a busy machine keeps that from an answer.
    const config = join(scratch, 'haproxy.cfg')
    await writeFile(config, (await readFile(config, 'utf8')).replace('fall 2', 'fall 10'))
    // With a master, as systemd runs it: a reload is its SIGUSR2.
    haproxy = startProgram('haproxy', ['-W', '-f', config])
    await eventually('HAProxy listens', () => accepts(port), {
      ...{ timeoutMs: START_MS, context: haproxy.output },
    })
  })

  afterAll(async () => {
    tunnels.close()
    await haproxy?.stop()
    await farm?.stop()
    host?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  async function consoleOf(number: number): Promise<OpenConsoleOptions> {
    return {
      gateway: { host: 'localhost', port },
      ca: farm.ca,
      transport: number % 2 === 0 ? 'websocket' : 'http',
      token: await farm.mint(),
      target: { host: '127.0.0.1', port: host.port },
      timeoutMs: 20_000,
      onStep: () => {},
    }
  }

  /** None of the tunnels has ended, each says so, and new ones are admitted. */
  async function expectAllLive(): Promise<void> {
    expect(tunnels.ended).toEqual([])
    await eventually('all tunnels', async () => total(await home.scrape(), 'tunnels') === TUNNELS)
    await tunnels.hush()
    for (const number of [0, 1]) (await openConsole(await consoleOf(number))).destroy()
    await eventually('fresh consoles gone', () => host.sockets.size === TUNNELS)
    tunnels.talk(ROUND_MS)
  }

  const soakTest = (name: string, body: () => Promise<void>, timeoutMs?: number): void =>
    testWithPrograms(['haproxy'], name, body, timeoutMs)

  soakTest(
    'stand on one node',
    async () => {
      let next = 0
      const worker = async (): Promise<void> => {
        while (next < TUNNELS) await tunnels.open(await consoleOf(next++))
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
      const figures = await Promise.all(farm.nodes.map((node) => node.scrape()))
      expect(figures.map((of) => total(of, 'tunnels')).sort()).toEqual([0, TUNNELS].sort())
      const [first, second] = farm.nodes
      if (first === undefined || second === undefined) throw new Error('need two nodes')
      const [ofFirst = new Map()] = figures
      ;[home, other] = total(ofFirst, 'tunnels') > 0 ? [first, second] : [second, first]
      await expectAllLive()
    },
    LONG ? 300_000 : 120_000,
  )

  soakTest('outlive the drain of the other node', async () => {
    const drained = await farm.cli('node', 'drain', other.name, '--wait', '30s')
    expect(drained, drained.output).toMatchObject({ code: 0 })
    await expectAllLive()
    const back = await farm.cli('node', 'drain', other.name, '--cancel')
    expect(back, back.output).toMatchObject({ code: 0 })
  })

  soakTest("outlive the rotation of their tokens' issuer", async () => {
    const out = join(farm.certs, 'broker', 'issuer-2')
    await runProgram(process.execPath, [
      ...[ENTRY, 'certs', 'issue', '--role', 'issuer', '--from', farm.certs],
      ...['--out', out],
    ])
    const files = ['--certificate', `${out}.crt`, '--private-key', `${out}.key`]
    const rotated = await farm.cli('issuer', 'rotate', ...files, '--wait', '60s')
    expect(rotated, rotated.output).toMatchObject({ code: 0 })
    await expectAllLive()
  })

  soakTest('outlive their broker, which knows them again when it is back', async () => {
    const untilListed = () =>
      eventually(
        'the broker lists them',
        async () => {
          const { body } = await farm.api('GET', '/v1/sessions')
          expect(JSON.parse(body.toString('utf8')).items).toHaveLength(TUNNELS)
          return true
        },
        // Nodes dial again every five seconds, and tell every ten.
        { timeoutMs: 60_000 },
      )
    // The end of the last fresh console is on its way: a broker that never heard of it would list it until it is lost.
    await untilListed()
    await farm.broker.kill()
    await sleep(2_000)
    expect(tunnels.ended).toEqual([])
    await farm.broker.start()
    await untilListed()
    await expectAllLive()
  })

  soakTest('outlive a reload of HAProxy', async () => {
    const workers = (): number => haproxy.output().split('New worker').length - 1
    const before = workers()
    haproxy.child.kill('SIGUSR2')
    await eventually('another worker', () => workers() > before, { context: haproxy.output })
    await eventually('HAProxy listens', () => accepts(port), { context: haproxy.output })
    await expectAllLive()
  })

  soakTest(
    'leave the memory of their node flat',
    async () => {
      await sleep(WARM_UP_MS)
      for (let passedMs = 0; passedMs < WATCH_MS; passedMs += SAMPLE_MS) {
        const { heapBytes, residentBytes } = memory.add(await home.scrape())
        if (passedMs % PRINT_MS === 0) {
          const figures = `heap ${inMb(heapBytes)} MB, resident ${inMb(residentBytes)} MB`
          process.stdout.write(`soak: ${TUNNELS} tunnels, ${passedMs / 1000} s: ${figures}\n`)
        }
        await sleep(SAMPLE_MS)
      }
      const [heap, resident] = [memory.growth('heapBytes'), memory.growth('residentBytes')]
      process.stdout.write(`soak: growth of heap ${inMb(heap)} MB, resident ${inMb(resident)} MB\n`)
      await expectAllLive()
      expect(heap).toBeLessThan(HEAP_MARGIN_BYTES)
      expect(resident).toBeLessThan(RESIDENT_MARGIN_BYTES)
    },
    WARM_UP_MS + WATCH_MS + 120_000,
  )

  soakTest('are given back when their clients leave, and none has ended before', async () => {
    await tunnels.hush()
    // A KEEPALIVE may be on its way when the node is asked.
    const before = await eventually('nothing queued', async () => {
      const figures = await home.scrape()
      return total(figures, 'queued_bytes') === 0 && figures
    })
    tunnels.close()
    await eventually('no connection at the host', () => host.sockets.size === 0)
    await eventually('no tunnel', async () => total(await home.scrape(), 'tunnels') === 0)
    const after = await home.scrape()
    const ends = (reason: string) => after.get(`tunnels_ended_total{reason="${reason}"}`)
    expect(ends('client-closed')).toBe(total(after, 'tunnels_opened_total'))
    expect(total(after, 'tunnels_ended_total')).toBe(ends('client-closed'))
    expect(total(after, 'refusals_total')).toBe(0)
    const descriptors = (of: Figures) => of.get('process_open_fds') ?? 0
    // A WebSocket holds two, a pair three; a health check may be open when the node is asked.
    await eventually('descriptors given back', async () => {
      const givenBack = descriptors(before) - descriptors(await home.scrape())
      return Math.abs(givenBack - TUNNELS * 2.5) <= PASSERS_BY
    })
  })
})
