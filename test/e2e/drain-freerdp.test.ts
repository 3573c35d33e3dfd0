import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
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
import type { Colour } from '../helpers/screenshot.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const BEFORE: Colour = [200, 120, 40]
const AFTER: Colour = [60, 60, 180]

describe('FreeRDP behind HAProxy, while its node is drained', () => {
  let shown: ShownHost
  let farm: BalancedFarm
  /** For the client that comes; the one that is there has the host's. */
  let second: Display

  beforeAll(async () => {
    shown = await startShownHost()
    farm = await startBalancedFarm(['gw1', 'gw2'], {
      target: { host: shown.host.address, port: shown.host.port },
    })
    second = await startDisplay()
  })
  afterAll(async () => {
    await second?.stop()
    await farm?.stop()
    await shown?.stop()
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
    await shown.paint(BEFORE)
    const clients: RunningProgram[] = []
    const output = () => clients.map((client) => client.output()).join('\n')
    try {
      clients.push(await start(program, transport, shown.display))
      await shown.shows(output)
      const [node] = await nodes()
      if (node === undefined) throw new Error('no session')
      const logged = farm.haproxy.output().length
      const ordered = ['node', 'drain', node, '--wait', '5m', '--message', 'New cables.']
      const command = farm.cli(...ordered)
      await eventually('confirmed', async () => (await json(`/v1/nodes/${node}`)).drain?.confirmed)
      await eventually('the balancer has noticed', () =>
        farm.haproxy.output().slice(logged).includes(`nodes/${node} is DOWN`),
      )
      clients.push(await start(program, transport, second))
      await shown.shows(output, second)
      const other = node === 'gw1' ? 'gw2' : 'gw1'
      await eventually('one session on each', async () =>
        isDeepStrictEqual(await nodes(), [node, other]),
      )
      await shown.paint(AFTER)
      await shown.shows(output)
      await shown.shows(output, second)
      await clients[0]?.stop()
      const drained = await command
      expect(drained.output).toContain(`${node} is drained`)
      expect(drained.code).toBe(0)
      expect((await farm.cli('node', 'drain', node, '--cancel')).code).toBe(0)
    } finally {
      await Promise.all(clients.map((client) => client.stop()))
    }
    await eventually('all sessions are over', async () => (await nodes()).length === 0)
  }

  async function start(
    program: FreerdpProgram,
    transport: Transport,
    display: Display,
  ): Promise<RunningProgram> {
    const file = join(shown.scratch, `console-${display.name.slice(1)}.rdp`)
    const { body } = await farm.api('POST', '/v1/consoles', { vm: 'web' })
    await writeFile(file, Buffer.from(JSON.parse(body.toString('utf8')).rdp, 'base64'))
    const args = [file, ...TRANSPORT_ARGS[program][transport]]
    return startFreerdp({ program, display, args })
  }

  const json = async (path: string) =>
    JSON.parse((await farm.api('GET', path)).body.toString('utf8'))

  /** Of the open sessions, oldest first. */
  async function nodes(): Promise<string[]> {
    const { items } = await json('/v1/sessions')
    return items.map(({ node }: { node: string }) => node)
  }
})
