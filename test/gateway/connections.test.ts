import { once } from 'node:events'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Connections } from '../../src/gateway/connections.ts'
import { DEFAULT_LIMITS } from '../../src/gateway/index.ts'

function place(connections: Connections, count = 1): Socket[] {
  const sockets = Array.from({ length: count }, () => new Socket())
  for (const socket of sockets) expect(connections.accept(socket)).toBe(true)
  return sockets
}

let refused: number

function start(maxConnections: number, maxConnectionsPerAddress = maxConnections): Connections {
  refused = 0
  const limits = { ...DEFAULT_LIMITS, maxConnections, maxConnectionsPerAddress }
  return new Connections(limits, () => refused++)
}

test('past the limit the one that has waited longest without a request makes room', () => {
  const connections = start(3)
  const sockets = place(connections, 3)
  for (const index of [0, 2]) {
    const socket = sockets[index]
    if (socket !== undefined) connections.heard(socket)
  }
  place(connections)
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true, false])
  expect(connections.total).toBe(3)
  expect(refused).toBe(1)
})

test('takes nobody when all have spoken, and somebody again when one has gone', async () => {
  const connections = start(2)
  const [first] = place(connections, 2).map((socket) => {
    connections.heard(socket)
    return socket
  })
  expect(connections.accept(new Socket())).toBe(false)
  expect(refused).toBe(1)
  first?.destroy()
  await once(first ?? new Socket(), 'close')
  expect(connections.total).toBe(1)
  place(connections)
})

test('counts the one that made room once, though it closes later', async () => {
  const connections = start(1)
  const [old] = place(connections)
  const [next] = place(connections)
  await once(old ?? new Socket(), 'close')
  expect(connections.total).toBe(1)
  expect(next?.destroyed).toBe(false)
})

test('past the share of an address its oldest silent connection makes room, and no other', () => {
  const connections = start(10, 2)
  const sockets = place(connections, 4)
  const admit = (index: number, address: string): boolean | undefined => {
    const socket = sockets[index]
    return socket && connections.admit(socket, address)
  }
  expect([admit(0, '192.0.2.8'), admit(1, '192.0.2.7'), admit(2, '192.0.2.7')]).not.toContain(false)
  const [, spoken] = sockets
  if (spoken !== undefined) connections.heard(spoken)
  expect(admit(3, '192.0.2.7')).toBe(true)
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false, true, false])
  expect(refused).toBe(1)
})

test('counts an IPv6 client by its /64, whichever address of it comes', () => {
  const connections = start(10, 1)
  const [first, second, third] = place(connections, 3)
  if (first === undefined || second === undefined || third === undefined) throw new Error('none')
  expect(connections.admit(first, '2001:db8::1')).toBe(true)
  connections.heard(first)
  expect(connections.admit(second, '2001:db8::2')).toBe(false)
  expect(connections.admit(third, '2001:db8:0:1::1')).toBe(true)
})

test('gives one address only its share until one of its connections closes', async () => {
  const connections = start(10, 1)
  const [first, second] = place(connections, 2)
  if (first === undefined || second === undefined) throw new Error('no sockets')
  expect(connections.admit(first, '192.0.2.7')).toBe(true)
  connections.heard(first)
  expect(connections.admit(second, '192.0.2.7')).toBe(false)
  expect(refused).toBe(1)
  expect(connections.admit(second, '192.0.2.8')).toBe(true)
  first.destroy()
  await once(first, 'close')
  const [third] = place(connections)
  if (third === undefined) throw new Error('no socket')
  expect(connections.admit(third, '192.0.2.7')).toBe(true)
})

test('destroys what is left', () => {
  const connections = start(3)
  const sockets = place(connections, 3)
  connections.destroyAll()
  expect(sockets.every(({ destroyed }) => destroyed)).toBe(true)
})
