import { createServer } from 'node:net'
import { type Endpoint, errorText } from '../lib/index.ts'

/**
 * Listens for a moment.
 *
 * @param address port 0 asks for the address alone
 * @returns the system's code of the error, `EADDRNOTAVAIL`; undefined when the address could be had
 */
export function tryListen({ host, port }: Endpoint): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const server = createServer()
  server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? errorText(error)))
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  return promise
}
