import { randomInt } from 'node:crypto'
import { createConnection, createServer } from 'node:net'

/** Below the range the kernel takes ports from by itself, where a free port may be busy a moment later. */
const LOWEST = 20_000
const HIGHEST = 32_000
/** Between two that are given: a probe looks at a host's neighbouring ports as well. */
const GAP = 10
/** A port that is chosen stays free until somebody listens on it: none is given twice in one process. */
let next = randomInt(LOWEST, HIGHEST)

/**
 * A port on 127.0.0.1 that nothing listens on, with `count - 1` more behind it.
 *
 * @throws Error when 200 tries find none
 */
export async function freePort(count = 1): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const first = next + count <= HIGHEST ? next : LOWEST
    next = first + count + GAP
    const ports = Array.from({ length: count }, (_, index) => first + index)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row between ${LOWEST} and ${HIGHEST}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

/** Whether something listens on a port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
