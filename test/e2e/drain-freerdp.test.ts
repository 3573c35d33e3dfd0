import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type BalancedFarm, startBalancedFarm } from '../helpers/balanced-farm.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
  type Transport,
} from '../helpers/freerdp.ts'
import { type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import { type Colour, isNear, takeScreenshot } from '../helpers/screenshot.ts'
import { type ShadowHost, startShadowHost } from '../helpers/shadow-host.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const BEFORE: Colour = [200, 120, 40]
const AFTER: Colour = [60, 60, 180]

describe('FreeRDP behind HAProxy, while its node is drained', () => {
  let host: ShadowHost
  let farm: BalancedFarm
  /** One for the client that is there, one for the client that comes. */
  let displays: Display[] = []
  let scratch: string

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-drain-'))
    host = await startShadowHost()
    farm = await startBalancedFarm(['gw1', 'gw2'], {
      target: { host: host.address, port: host.port },
    })
    displays = [await startDisplay(), await startDisplay()]
  })
  afterAll(async () => {
    await Promise.all(displays.map((display) => display.stop()))
    await farm?.stop()
    await host?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, 'haproxy', 'freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot'],
        `${program} keeps its picture over ${transport}, and a new one gets it from the other node`,
        () => survives(program, transport),
      )
    }
  }

  async function survives(program: FreerdpProgram, transport: Transport): Promise<void> {
    await paint(BEFORE)
    const clients: RunningProgram[] = []
    try {
      clients.push(await start(program, transport, 0))
      await shows(0, BEFORE, clients)
      const [node] = await nodes()
      if (node === undefined) throw new Error('no session')
      const logged = farm.haproxy.output().length
      const ordered = ['node', 'drain', node, '--wait', '5m', '--message', 'New cables.']
      const command = farm.cli(...ordered)
      await eventually('confirmed', async () => (await json(`/v1/nodes/${node}`)).drain?.confirmed)
      await eventually('the balancer has noticed', () =>
        farm.haproxy.output().slice(logged).includes(`nodes/${node} is DOWN`),
      )
      clients.push(await start(program, transport, 1))
      await shows(1, BEFORE, clients)
      const other = node === 'gw1' ? 'gw2' : 'gw1'
      expect(await nodes()).toEqual([node, other])
      await paint(AFTER)
      await shows(0, AFTER, clients)
      await shows(1, AFTER, clients)
      await clients[0]?.stop()
      const { code, output } = await command
      expect(output).toContain(`${node} is drained`)
      expect(code).toBe(0)
      expect((await farm.cli('node', 'drain', node, '--cancel')).code).toBe(0)
    } finally {
      await Promise.all(clients.map((client) => client.stop()))
    }
    await eventually('all sessions are over', async () => (await nodes()).length === 0)
  }

  async function start(
    program: FreerdpProgram,
    transport: Transport,
    index: number,
  ): Promise<RunningProgram> {
    const file = join(scratch, `console-${index}.rdp`)
    const { body } = await farm.api('POST', '/v1/consoles', { vm: 'web' })
    await writeFile(file, Buffer.from(JSON.parse(body.toString('utf8')).rdp, 'base64'))
    return startFreerdp({
      program,
      display: displayOf(index),
      args: [file, ...TRANSPORT_ARGS[program][transport]],
    })
  }

  function shows(index: number, colour: Colour, clients: RunningProgram[]): Promise<true> {
    return eventually(
      `client ${index} shows the host`,
      async () => isNear((await takeScreenshot(displayOf(index))).at(700, 400), colour),
      { timeoutMs: 30_000, context: () => clients.map(({ output }) => output()).join('\n') },
    )
  }

  function displayOf(index: number): Display {
    const display = displays[index]
    if (display === undefined) throw new RangeError(`display ${index}`)
    return display
  }

  function paint(colour: Colour): Promise<void> {
    return host.display.paintRoot(
      `#${colour.map((it) => it.toString(16).padStart(2, '0')).join('')}`,
    )
  }

  const json = async (path: string) =>
    JSON.parse((await farm.api('GET', path)).body.toString('utf8'))

  /** Of the open sessions, oldest first. */
  async function nodes(): Promise<string[]> {
    const { items } = await json('/v1/sessions')
    return items.map(({ node }: { node: string }) => node)
  }
})
