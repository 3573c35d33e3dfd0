import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchConsoleFile } from '../helpers/api.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
} from '../helpers/freerdp.ts'
import { testWithPrograms } from '../helpers/programs.ts'
import { type Colour, isNear } from '../helpers/screenshot.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'

describe('a console of a real RDP host', () => {
  let shown: ShownHost
  let demo: DemoRun

  beforeAll(async () => {
    shown = await startShownHost()
    demo = await startDemoRun(['--console', `${shown.host.address}:${shown.host.port}`])
  })

  afterAll(async () => {
    await demo?.stop()
    await shown?.stop()
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, 'freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot'],
        `${program} shows the host through a node over ${transport}, and follows its changes`,
        () => showsTheHost(program, transport),
      )
    }
  }

  async function showsTheHost(
    program: FreerdpProgram,
    transport: (typeof TRANSPORTS)[number],
  ): Promise<void> {
    const file = join(shown.scratch, `${program}-${transport}.rdp`)
    await writeFile(file, await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? ''))
    await shown.paint(randomColour())

    const before = (await demo.log('gw1')).length
    const client = await startFreerdp({
      ...{ program, display: shown.display },
      args: [file, ...TRANSPORT_ARGS[program][transport]],
    })
    try {
      await shown.shows(client.output)
      const created = async () =>
        (await demo.log('gw1')).slice(before).filter(({ event }) => event === 'tunnel.created')
      await eventually('the tunnel is logged', async () => (await created()).length > 0)
      expect((await created()).map((line) => line.transport)).toEqual([transport])

      await shown.paintAnother()
      await shown.shows(client.output)
    } finally {
      await client.stop()
    }
    await eventually('the node closes the session', async () =>
      (await demo.log('gw1')).slice(before).some(({ event }) => event === 'session.closed'),
    )
  }
})

/** Every channel is far from the middle, so that its complement is another colour beyond any tolerance. */
function randomColour(): Colour {
  const channel = (): number => (randomInt(2) === 0 ? randomInt(20, 80) : randomInt(176, 236))
  return [channel(), channel(), channel()]
}

test('the complement of a random colour is never near it', () => {
  for (let run = 0; run < 100; run += 1) {
    const colour = randomColour()
    expect(isNear(colour, [255 - colour[0], 255 - colour[1], 255 - colour[2]])).toBe(false)
  }
})
