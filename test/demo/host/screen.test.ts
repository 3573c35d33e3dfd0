import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Screen, type ScreenOptions } from '../../../src/demo/host/screen.ts'

const SIZE = { width: 320, height: 200 }
const WHOLE = [{ x: 0, y: 0, ...SIZE }]
const A_KEY = { kind: 'scancode', code: 0x1e, extended: false, released: false } as const

const screens: Screen[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 21, 12, 0, 0, 300) })
})

afterEach(() => {
  for (const screen of screens.splice(0)) screen.close()
  vi.useRealTimers()
})

function start(options: Partial<ScreenOptions> = {}) {
  const output = {
    queuedBytes: 0,
    fastPath: [] as Uint8Array[],
    slowPath: [] as Uint8Array[],
    send: (bytes: Uint8Array) => void output.fastPath.push(bytes),
    sendIo: (bytes: Uint8Array) => void output.slowPath.push(bytes),
    sent: () => output.fastPath.length + output.slowPath.length,
  }
  const onStalled = vi.fn()
  const screen = new Screen(output, {
    size: SIZE,
    capabilities: { fastPathOutput: true, noBitmapCompressionHeader: true },
    name: 'web-01',
    clock: { now: () => Date.now() },
    onStalled,
    ...options,
  })
  screens.push(screen)
  return { screen, output, onStalled }
}

/** Runs until the first picture is out. */
function started(options: Partial<ScreenOptions> = {}) {
  const all = start(options)
  vi.advanceTimersByTime(250)
  all.output.fastPath.length = 0
  all.output.slowPath.length = 0
  return all
}

test('says nothing for 200 ms, then logon notify, pointer and picture', () => {
  const { output } = start()
  vi.advanceTimersByTime(199)
  expect(output.sent()).toBe(0)
  vi.advanceTimersByTime(2)
  expect(output.slowPath).toHaveLength(1)
  expect(output.fastPath.length).toBeGreaterThanOrEqual(2)
})

test('uses slow-path only for a client without fast-path output', () => {
  const { output } = start({
    capabilities: { fastPathOutput: false, noBitmapCompressionHeader: false },
  })
  vi.advanceTimersByTime(250)
  expect(output.fastPath).toHaveLength(0)
  expect(output.slowPath.length).toBeGreaterThanOrEqual(2)
})

test('ticks once a second, on the second', () => {
  const { output } = started()
  vi.advanceTimersByTime(700 - 250 - 1)
  expect(output.sent()).toBe(0)
  vi.advanceTimersByTime(1 + 41)
  expect(output.sent()).toBe(1)
  vi.advanceTimersByTime(3_000)
  expect(output.sent()).toBe(4)
})

test('collects keys for 40 ms', () => {
  const { screen, output } = started()
  for (let count = 0; count < 10; count += 1) screen.key(A_KEY)
  vi.advanceTimersByTime(39)
  expect(output.sent()).toBe(0)
  vi.advanceTimersByTime(2)
  expect(output.sent()).toBe(1)
})

test('sends nothing while suppressed, and a whole picture when allowed again', () => {
  const { screen, output } = started()
  screen.allowOutput(false)
  screen.key(A_KEY)
  vi.advanceTimersByTime(5_000)
  expect(output.sent()).toBe(0)
  screen.allowOutput(true)
  vi.advanceTimersByTime(50)
  const bytes = output.fastPath.reduce((sum, { length }) => sum + length, 0)
  expect(bytes).toBeGreaterThan(4_000)
})

test('allowing output that is allowed asks for nothing', () => {
  const { screen, output } = started()
  screen.allowOutput(true)
  vi.advanceTimersByTime(100)
  expect(output.sent()).toBe(0)
})

test('encodes nothing while a megabyte waits, and catches up later', () => {
  const { screen, output } = started()
  output.queuedBytes = 1_048_577
  screen.refresh(WHOLE)
  vi.advanceTimersByTime(400)
  expect(output.sent()).toBe(0)
  output.queuedBytes = 0
  vi.advanceTimersByTime(50)
  expect(output.sent()).toBeGreaterThan(0)
})

test('a viewer that takes nothing for a minute is given up', () => {
  const { output, onStalled } = started()
  output.queuedBytes = 1
  vi.advanceTimersByTime(59_000)
  expect(onStalled).not.toHaveBeenCalled()
  vi.advanceTimersByTime(3_000)
  expect(onStalled).toHaveBeenCalledTimes(1)
})

test('after a large picture the next one waits', () => {
  const large = { width: 4096, height: 2304 }
  const { screen, output } = started({ size: large })
  vi.advanceTimersByTime(1_000)
  screen.refresh([{ x: 0, y: 0, ...large }])
  vi.advanceTimersByTime(50)
  output.fastPath.length = 0
  screen.refresh([{ x: 0, y: 0, ...large }])
  vi.advanceTimersByTime(400)
  expect(output.sent()).toBe(0)
  vi.advanceTimersByTime(100)
  expect(output.sent()).toBeGreaterThan(0)
})

test('is silent after close, whatever still comes in', () => {
  const { screen, output } = started()
  screen.key(A_KEY)
  screen.close()
  screen.key(A_KEY)
  screen.refresh(WHOLE)
  screen.allowOutput(false)
  screen.allowOutput(true)
  vi.advanceTimersByTime(5_000)
  expect(output.sent()).toBe(0)
})
