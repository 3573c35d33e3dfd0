import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { type Colour, isNear, takeScreenshot } from './screenshot.ts'
import { type ShadowHost, startShadowHost } from './shadow-host.ts'
import { type Display, startDisplay } from './xvfb.ts'

/** A point of the host's root window that a client covers with nothing of its own. */
const SAMPLE = { x: 700, y: 400 }
/** Of a display without a client. */
const CLEAR: Colour = [0, 0, 0]

/** A real RDP host, and where its clients show it. */
export interface ShownHost {
  host: ShadowHost
  /** A client's. */
  display: Display
  /** A directory for clients' files. */
  scratch: string
  /** What the host shows from now on. */
  paint(colour: Colour): Promise<void>
  /** The complement of what was painted last. */
  paintAnother(): Promise<void>
  /**
   * Waits until a client shows what was painted last.
   *
   * @param output what the client and others say, for the failure
   */
  shows(output: () => string, on?: Display): Promise<void>
  /** Waits until the display has no client's picture any more. */
  clears(): Promise<void>
  stop(): Promise<void>
}

export async function startShownHost(): Promise<ShownHost> {
  const cleanUp = new AsyncDisposableStack()
  try {
    const scratch = await mkdtemp(join(tmpdir(), 'portcullis-shown-'))
    cleanUp.defer(() => rm(scratch, { recursive: true, force: true }))
    const host = await startShadowHost()
    cleanUp.defer(() => host.stop())
    const display = await startDisplay()
    cleanUp.defer(() => display.stop())

    let colour = CLEAR
    const paint = async (next: Colour): Promise<void> => {
      colour = next
      await host.display.paintRoot(toHex(next))
    }
    const isAt = async (on: Display, expected: Colour): Promise<boolean> =>
      isNear((await takeScreenshot(on)).at(SAMPLE.x, SAMPLE.y), expected)
    return {
      ...{ host, display, scratch, paint },
      paintAnother: () => paint([255 - colour[0], 255 - colour[1], 255 - colour[2]]),
      async shows(output, on = display) {
        // FreeRDP gives up after 60 s and says why, which is worth waiting for.
        await eventually(`the client shows ${toHex(colour)}`, () => isAt(on, colour), {
          ...{ timeoutMs: 75_000, context: output },
        })
      },
      async clears() {
        await eventually('the display is clear again', () => isAt(display, CLEAR))
      },
      stop: () => cleanUp.disposeAsync(),
    }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}

function toHex(colour: Colour): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}
