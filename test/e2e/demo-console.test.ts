import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { GrantNotice } from '../../src/protocol/index.ts'
import { callApi } from '../helpers/api.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { showsCard } from '../helpers/demo-card.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  type Transport,
} from '../helpers/freerdp.ts'
import { type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import { takeScreenshot } from '../helpers/screenshot.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const SIZE = { width: 1024, height: 768 }

/** What a person sees who has nothing but `npm start` and FreeRDP. */
describe("the demo's machines, through its gateway", () => {
  let demo: DemoRun
  let display: Display
  let scratch: string

  beforeAll(async () => {
    demo = await startDemoRun()
    display = await startDisplay(SIZE)
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-demo-console-'))
  })

  afterAll(async () => {
    await display?.stop()
    await demo?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  for (const [program, transport] of [
    ['xfreerdp', 'websocket'],
    ['xfreerdp3', 'http'],
  ] as const) {
    testWithPrograms(
      [program, 'Xvfb', 'import', 'xdotool'],
      `${program} over ${transport} shows each machine under its own name, what is typed, and the grant where an agent tells it`,
      async () => {
        expect(demo.ready.vms).toHaveLength(2)
        for (const { id, name } of demo.ready.vms) {
          const { client, grant } = await open(program, transport, id)
          // The second machine stands behind the host agent, which knows by what it is opened.
          const card = name === 'bravo' ? { name, grant } : { name }
          try {
            await appears({ ...card, typed: '' }, client)
            await display.click(500, 200)
            await display.type('Hello')
            await appears({ ...card, typed: 'Hello' }, client)
          } finally {
            await client.stop()
          }
        }
      },
    )
  }

  async function open(
    program: FreerdpProgram,
    transport: Transport,
    vm: string,
  ): Promise<{ client: RunningProgram; grant: GrantNotice }> {
    const file = join(scratch, `${vm}.rdp`)
    const { body } = await callApi(demo.ready, 'POST', '/v1/consoles', { json: { vm } })
    const { rdp, ref, expiresAt } = JSON.parse(body.toString('utf8'))
    await writeFile(file, Buffer.from(rdp, 'base64'))
    const size = `/size:${SIZE.width}x${SIZE.height}`
    const client = await startFreerdp({
      program,
      display,
      args: [file, size, ...TRANSPORT_ARGS[program][transport]],
    })
    return { client, grant: { ref, expiresAt: Date.parse(expiresAt) / 1000 } }
  }

  async function appears(
    card: { name: string; typed: string; grant?: GrantNotice },
    client: RunningProgram,
  ): Promise<void> {
    await eventually(
      `the card of ${card.name} with "${card.typed}"`,
      async () => showsCard(await takeScreenshot(display), { ...card, size: SIZE }),
      { timeoutMs: 60_000, context: client.output },
    )
  }
})
