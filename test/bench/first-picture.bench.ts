import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { fetchConsoleFile } from '../helpers/api.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  directArgs,
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
} from '../helpers/freerdp.ts'
import { findProgram } from '../helpers/programs.ts'
import { isNear, takeScreenshot } from '../helpers/screenshot.ts'
import { type ShadowHost, startShadowHost } from '../helpers/shadow-host.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const RUNS = 5
const COLOUR = [200, 60, 120] as const

/** From the start of the client to the host's colour on its screen; a screenshot takes about 60 ms of it. */
test('milliseconds to the first picture', async () => {
  const host = await startShadowHost()
  await host.display.paintRoot('#c83c78')
  const demo = await startDemoRun(['--console', `${host.address}:${host.port}`])
  const display = await startDisplay()
  const scratch = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  try {
    for (const program of FREERDP_PROGRAMS.filter((name) => findProgram(name) !== undefined)) {
      const direct = directArgs(host, { width: 1024, height: 768 })
      await report(`${program} direct`, program, display, async () => direct)
      for (const [transport, options] of Object.entries(TRANSPORT_ARGS[program])) {
        await report(`${program} gateway, ${transport}, click included`, program, display, () =>
          click(demo, join(scratch, 'console.rdp'), options),
        )
      }
    }
  } finally {
    await close(display, demo, host)
    await rm(scratch, { recursive: true, force: true })
  }
})

/** What the portal's button does, then what the browser does with the answer. */
async function click(demo: DemoRun, file: string, options: string[]): Promise<string[]> {
  await writeFile(file, await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? ''))
  return [file, ...options]
}

async function report(
  title: string,
  program: FreerdpProgram,
  display: Display,
  prepare: () => Promise<string[]>,
): Promise<void> {
  const times: number[] = []
  for (let run = 0; run < RUNS; run += 1) {
    const start = performance.now()
    const client = await startFreerdp({ program, display, args: await prepare() })
    try {
      await untilSampleIs(display, COLOUR, client.output)
      times.push(performance.now() - start)
    } finally {
      await client.stop()
    }
    await untilSampleIs(display, [0, 0, 0], client.output)
  }
  const sorted = times.map(Math.round).sort((a, b) => a - b)
  process.stdout.write(`${title}: ${sorted.join(' ')}\n`)
}

function untilSampleIs(
  display: Display,
  colour: readonly [number, number, number],
  context: () => string,
): Promise<true> {
  return eventually(
    `colour ${colour}`,
    async () => isNear((await takeScreenshot(display)).at(700, 400), colour),
    { intervalMs: 10, context },
  )
}

async function close(display: Display, demo: DemoRun, host: ShadowHost): Promise<void> {
  await display.stop()
  await demo.stop()
  await host.stop()
}
