import type { Readable } from 'node:stream'
import { runProgram, START_MS, startProgram } from './programs.ts'

/** An X display without a screen to look at. */
export interface Display {
  /** `:7`, for the environment variable DISPLAY. */
  readonly name: string
  readonly width: number
  readonly height: number
  /** Environment of programs that draw here. */
  readonly env: { DISPLAY: string }
  /** Paints the root window, for example `#c03090`: what a shadow host on this display shows. */
  paintRoot(colour: string): Promise<void>
  /** Moves the pointer and clicks its first button, which also gives a client without a window manager the keyboard. */
  click(x: number, y: number): Promise<void>
  /** Types text into the window that has the keyboard, 40 ms a key. */
  type(text: string): Promise<void>
  /** Presses one key by its X name: `Return`, `BackSpace`, `F5`. */
  press(key: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts Xvfb on a free display number (`-displayfd`: no race between tests), 24 bits deep.
 * `-noreset` matters: without it the display is wiped when its first client leaves. So does `-r`: a key whose release is
 * 660 ms late would be typed again and again.
 */
export async function startDisplay({ width = 1280, height = 1024 } = {}): Promise<Display> {
  const xvfb = startProgram(
    'Xvfb',
    [
      ...['-displayfd', '3', '-screen', '0', `${width}x${height}x24`],
      ...['-noreset', '-r', '-nolisten', 'tcp'],
    ],
    { extraStdio: ['pipe'] },
  )
  // Descriptor 3 was asked for as a pipe from the child, which makes it readable.
  const numberPipe = xvfb.child.stdio[3] as Readable
  const number = await readNumber(numberPipe, xvfb.ended)
  if (number === undefined) {
    await xvfb.stop()
    throw new Error(`Xvfb did not start:\n${xvfb.output()}`)
  }
  const name = `:${number}`
  const env = { DISPLAY: name }
  const xdotool = (args: string[]) => runProgram('xdotool', args, { env, timeoutMs: 30_000 })
  return {
    name,
    width,
    height,
    env,
    async paintRoot(colour) {
      await runProgram('xsetroot', ['-solid', colour], { env })
    },
    async click(x, y) {
      await xdotool(['mousemove', String(x), String(y), 'click', '1'])
    },
    async type(text) {
      await xdotool(['type', '--delay', '40', text])
    },
    async press(key) {
      await xdotool(['key', key])
    },
    stop: () => xvfb.stop(),
  }
}

async function readNumber(pipe: Readable, ended: Promise<unknown>): Promise<string | undefined> {
  let text = ''
  const line = new Promise<string>((resolve) => {
    pipe.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.includes('\n')) resolve(text.trim())
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), START_MS)
  })
  const number = await Promise.race([line, ended.then(() => undefined), late])
  clearTimeout(timer)
  return number
}
