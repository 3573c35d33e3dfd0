import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { createDemoHost, type DemoHost } from '../../src/demo/host/index.ts'
import { createLog, systemClock, withDeadline } from '../../src/lib/index.ts'
import { clockArea, pixelsIn, showsCard } from '../helpers/demo-card.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  directArgs,
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
} from '../helpers/freerdp.ts'
import { type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import { takeScreenshot } from '../helpers/screenshot.ts'
import { createTestKeyPair } from '../helpers/test-key-pair.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const SIZE = { width: 1024, height: 768 }
const NEEDED = ['Xvfb', 'import', 'xdotool']

interface RunningHost {
  host: DemoHost
  address: string
  port: number
  /** Events so far, in order. */
  events: string[]
}

let tls: { certificatePem: string; privateKeyPem: string }
let display: Display
const running: { stop(): Promise<void> }[] = []

beforeAll(async () => {
  tls = await createTestKeyPair()
  display = await startDisplay(SIZE)
})

afterAll(() => display?.stop())

afterEach(async () => {
  for (const thing of running.splice(0).reverse()) await thing.stop()
})

async function startHost(name: string): Promise<RunningHost> {
  const events: string[] = []
  const stream = {
    write: (line: string) => {
      const { event }: { event: string } = JSON.parse(line)
      events.push(event)
    },
  }
  const host = createDemoHost({ name, tls, clock: systemClock, log: createLog({ stream }) })
  running.push({ stop: () => host.close() })
  return { host, events, ...(await host.listen()) }
}

async function view(
  program: FreerdpProgram,
  at: { address: string; port: number },
  { size = SIZE, extraArgs = [] as string[] } = {},
): Promise<RunningProgram> {
  const args = [...directArgs(at, size), ...extraArgs]
  const client = await startFreerdp({ program, display, args })
  running.push(client)
  return client
}

async function appears(
  card: { name: string; size?: typeof SIZE; typed?: string },
  client: RunningProgram,
): Promise<void> {
  const expected = { size: SIZE, ...card }
  const probe = async () => showsCard(await takeScreenshot(display), expected)
  const options = { timeoutMs: 60_000, context: client.output }
  await eventually(`card of ${card.name}`, probe, options)
}

describe.each(FREERDP_PROGRAMS)('%s', (program) => {
  const needed = [program, ...NEEDED]

  testWithPrograms(needed, 'shows the card, and its clock ticks', async () => {
    const host = await startHost('web-01')
    const client = await view(program, host)
    await appears({ name: 'web-01' }, client)
    const shown = async () => pixelsIn(await takeScreenshot(display), clockArea(SIZE))
    const before = await shown()
    await eventually('another time', async () => (await shown()) !== before)
  })

  testWithPrograms(needed, 'shows what is typed', async () => {
    const host = await startHost('web-01')
    const client = await view(program, host)
    await appears({ name: 'web-01', typed: '' }, client)
    await display.click(500, 200)
    await display.type('Hello_World, 42!')
    await appears({ name: 'web-01', typed: 'Hello_World, 42!' }, client)
    await display.press('BackSpace')
    await appears({ name: 'web-01', typed: 'Hello_World, 42' }, client)
    await display.press('Return')
    await appears({ name: 'web-01', typed: '' }, client)
  })

  testWithPrograms(
    needed,
    'tells two hosts apart, one after the other on one display',
    async () => {
      const [web, mail] = [await startHost('web-01'), await startHost('mail')]
      const first = await view(program, web)
      await appears({ name: 'web-01' }, first)
      await first.stop()
      await appears({ name: 'mail' }, await view(program, mail))
      const shot = await takeScreenshot(display)
      expect(showsCard(shot, { name: 'web-01', size: SIZE })).toBe(false)
    },
  )

  testWithPrograms(needed, 'gets the size it asks for', async () => {
    const host = await startHost('db')
    const size = { width: 640, height: 480 }
    const client = await view(program, host, { size })
    await appears({ name: 'db', size }, client)
  })

  testWithPrograms(needed, 'reconnects by itself and gets a fresh picture', async () => {
    const host = await startHost('web-01')
    const cable = await startCable(host)
    running.push(cable)
    const client = await view(program, cable, { extraArgs: ['+auto-reconnect'] })
    await appears({ name: 'web-01' }, client)
    await display.click(500, 200)
    await display.type('before')
    await appears({ name: 'web-01', typed: 'before' }, client)
    cable.cut()
    await appears({ name: 'web-01', typed: '' }, client)
    // A client may need more than one attempt.
    const active = host.events.filter((event) => event === 'viewer.active')
    expect(active.length).toBeGreaterThanOrEqual(2)
  })

  testWithPrograms(needed, 'is told why when the host closes', async () => {
    const host = await startHost('web-01')
    const client = await view(program, host)
    await appears({ name: 'web-01' }, client)
    await host.host.close()
    await withDeadline(client.ended, 60_000, 'its end')
    expect(client.output()).toContain('ERRINFO_RPC_INITIATED_DISCONNECT')
  })
})

/** A TCP relay whose connections can be torn. */
async function startCable(to: { address: string; port: number }) {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to.port, to.address)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no TCP address')
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    address: bound.address,
    port: bound.port,
    cut,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
