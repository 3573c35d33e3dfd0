import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { Places } from '../../src/lib/index.ts'

/** Closes a moment after it is destroyed, as sockets do. */
class Connection extends EventEmitter {
  destroyed = false

  destroy(): void {
    this.destroyed = true
    setImmediate(() => this.emit('close'))
  }
}

const open = (count: number): Connection[] => Array.from({ length: count }, () => new Connection())

test('past their number the one that has been silent for longest makes room', () => {
  let full = 0
  const places = new Places<Connection>(2, () => full++)
  const [first, second, third, fourth] = open(4) as [Connection, Connection, Connection, Connection]
  for (const connection of [first, second]) expect(places.accept(connection)).toBe(true)
  places.heard(first)
  expect(places.accept(third)).toBe(true)
  expect([first.destroyed, second.destroyed]).toEqual([false, true])
  places.heard(third)
  expect(places.accept(fourth)).toBe(false)
  expect(places.total).toBe(2)
  expect(full).toBe(2)
})

test('one that has its answer is silent again, behind those that were before', () => {
  const places = new Places<Connection>(2)
  const [first, second, third, fourth] = open(4) as [Connection, Connection, Connection, Connection]
  places.accept(first)
  places.heard(first)
  places.accept(second)
  places.answered(first)
  places.accept(third)
  places.accept(fourth)
  expect([second, first, third].map(({ destroyed }) => destroyed)).toEqual([true, true, false])
})

test('one that is gone takes no place, and an answer that comes too late gives it none', () => {
  const places = new Places<Connection>(1)
  const [first, second] = open(2) as [Connection, Connection]
  places.accept(first)
  first.emit('close')
  places.answered(first)
  expect(places.total).toBe(0)
  expect(places.accept(second)).toBe(true)
  places.destroyAll()
  expect([first, second].map(({ destroyed }) => destroyed)).toEqual([false, true])
})
