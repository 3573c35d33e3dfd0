import { type RunningProgram, startProgram } from './programs.ts'
import type { Display } from './xvfb.ts'

const TIMEOUT_MS = 30_000

/** Red, green, blue, each 0 to 255. */
export type Colour = readonly [number, number, number]

/** What an X display showed at one moment. */
export interface Screenshot {
  width: number
  height: number
  /** @throws RangeError outside of the picture */
  at(x: number, y: number): Colour
  /** Rows of 3 bytes per pixel, top down. */
  pixels: Uint8Array
}

/** The display's root window, by ImageMagick's `import` (its PPM output needs no decoder). */
export async function takeScreenshot(display: Display): Promise<Screenshot> {
  const chunks: Buffer[] = []
  const program = startImport(display, 'ppm:-')
  program.child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  await succeeds(program)
  return parsePpm(Buffer.concat(chunks))
}

/** Writes what the display shows as a PNG, for a person to look at. */
export async function saveScreenshot(display: Display, file: string): Promise<void> {
  await succeeds(startImport(display, file))
}

/** True when every channel is within `tolerance` (20: lossy codecs and 16-bit colour stay below it). */
export function isNear(colour: Colour, expected: Colour, tolerance = 20): boolean {
  return colour.every((value, channel) => Math.abs(value - (expected[channel] ?? 0)) <= tolerance)
}

/** How many pixels of a rectangle are near a colour. */
export function countNear(
  shot: Screenshot,
  area: { x: number; y: number; width: number; height: number },
  expected: Colour,
  tolerance = 20,
): number {
  let count = 0
  for (let y = area.y; y < area.y + area.height; y += 1) {
    for (let x = area.x; x < area.x + area.width; x += 1) {
      if (isNear(shot.at(x, y), expected, tolerance)) count += 1
    }
  }
  return count
}

/** Binary PPM: `P6 width height 255` and one white-space byte, then the pixels. */
export function parsePpm(bytes: Buffer): Screenshot {
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 64).toString('latin1'))
  if (head === null) throw new Error('not a binary PPM of 8 bits a channel')
  const width = Number(head[1])
  const height = Number(head[2])
  const pixels = bytes.subarray(head[0].length)
  if (pixels.length !== width * height * 3) {
    throw new Error(`PPM of ${width}x${height} with ${pixels.length} bytes of pixels`)
  }
  return {
    width,
    height,
    pixels,
    at(x, y) {
      if (x < 0 || y < 0 || x >= width || y >= height) {
        throw new RangeError(`(${x}, ${y}) is outside of ${width}x${height}`)
      }
      const offset = (y * width + x) * 3
      return [pixels.readUInt8(offset), pixels.readUInt8(offset + 1), pixels.readUInt8(offset + 2)]
    },
  }
}

/** The display comes by environment: `import` ignores its `-display` option for the root window. */
function startImport(display: Display, target: string): RunningProgram {
  return startProgram('import', ['-silent', '-window', 'root', '-depth', '8', target], {
    env: display.env,
  })
}

async function succeeds(program: RunningProgram): Promise<void> {
  const late = setTimeout(() => void program.stop(), TIMEOUT_MS)
  const code = await program.ended
  clearTimeout(late)
  if (code !== 0) throw new Error(`import ended with ${code}`)
}
