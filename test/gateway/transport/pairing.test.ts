import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/gateway/limits.ts'
import { PairingTable, type PendingOut } from '../../../src/gateway/transport/pairing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function out(connectionId: string): PendingOut & { abandoned: string[] } {
  const abandoned: string[] = []
  return {
    connectionId,
    correlationId: undefined,
    remoteAddress: '192.0.2.1',
    socket: new Socket(),
    place: { release: () => {}, onEvicted: () => {} },
    abandon: (why) => void abandoned.push(why),
    abandoned,
  }
}

const anyone = () => true

test('an IN takes the OUT with its id, once', async () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const pending = out('a')
  table.add(pending)
  expect(await table.take('a', anyone)).toBe(pending)
  const second = table.take('a', anyone)
  vi.advanceTimersByTime(DEFAULT_LIMITS.inBeforeOutMs)
  expect(await second).toBeUndefined()
  expect(pending.abandoned).toEqual([])
})

test('an IN waits a moment for its OUT', async () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const early = table.take('a', anyone)
  vi.advanceTimersByTime(DEFAULT_LIMITS.inBeforeOutMs - 1)
  const pending = out('a')
  table.add(pending)
  expect(await early).toBe(pending)
})

test('of two INs that wait for one OUT the second is refused at once', async () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const first = table.take('a', anyone)
  expect(await table.take('a', anyone)).toBeUndefined()
  table.add(out('a'))
  expect(await first).toBeDefined()
})

test('the newer of two OUTs stays', async () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const older = out('a')
  const newer = out('a')
  table.add(older)
  table.add(newer)
  expect(older.abandoned).toHaveLength(1)
  expect(await table.take('a', anyone)).toBe(newer)
})

test('an OUT without an IN is abandoned after the pairing time', () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const pending = out('a')
  table.add(pending)
  vi.advanceTimersByTime(DEFAULT_LIMITS.pairingTimeoutMs)
  expect(pending.abandoned).toHaveLength(1)
})

test('an OUT whose client leaves is abandoned', () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const pending = out('a')
  table.add(pending)
  pending.socket.emit('end')
  expect(pending.abandoned).toHaveLength(1)
})

test('a foreign IN is refused and leaves the OUT where it is', async () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const pending = out('a')
  table.add(pending)
  expect(await table.take('a', () => false)).toBeUndefined()
  expect(await table.take('a', anyone)).toBe(pending)
})

test('clear lets nothing behind', async () => {
  const table = new PairingTable(DEFAULT_LIMITS)
  const pending = out('a')
  table.add(pending)
  const early = table.take('b', anyone)
  table.clear('stop')
  expect(pending.abandoned).toEqual(['stop'])
  expect(await early).toBeUndefined()
  expect(vi.getTimerCount()).toBe(0)
})
