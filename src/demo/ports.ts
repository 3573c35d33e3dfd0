import { createServer } from 'node:net'
import { BrokerError } from '../lib/index.ts'

/**
 * Finds out whether the demo can listen on a port before it starts anything.
 *
 * @param option the command-line option that chooses another one, for the error's advice
 * @throws BrokerError `ERR_START` when it is taken, or may not be used
 */
export async function checkPortIsFree(
  address: string,
  port: number,
  option: string,
): Promise<void> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address, port, exclusive: true }, resolve)
    })
  } catch (error) {
    throw new BrokerError('ERR_START', explain(error, address, port, option), { cause: error })
  } finally {
    server.close()
  }
}

/**
 * A free port for something that nobody outside dials.
 *
 * @param preferred taken when it is free and not among `avoid`
 */
export async function findFreePort(
  address: string,
  preferred: number,
  avoid: readonly number[],
): Promise<number> {
  const candidates = avoid.includes(preferred) || preferred > 65_535 ? [0] : [preferred, 0]
  for (const candidate of candidates) {
    const port = await tryPort(address, candidate)
    if (port !== undefined) return port
  }
  throw new BrokerError('ERR_START', `no free port on ${address}`)
}

/** @returns the port, free again; undefined when it is taken */
function tryPort(address: string, port: number): Promise<number | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' ? bound?.port : undefined))
    })
  })
}

function explain(error: unknown, address: string, port: number, option: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${address} is in use: stop the program that has it, or choose another with ${option}`
    case 'EACCES':
      return `port ${port} on ${address} needs more rights: choose one above 1023 with ${option}`
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${address}: choose a loopback address with --listen`
    default:
      return `cannot listen on ${address} port ${port}: ${String(error)}`
  }
}
