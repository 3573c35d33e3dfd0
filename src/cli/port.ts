import { InvalidArgumentError } from 'commander'
import { type Endpoint, parseEndpoint } from '../lib/index.ts'

/** Of a gateway that is named without one. */
export const GATEWAY_PORT = 443

/** A TCP port of an option. @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('need a port, 1 to 65535.')
}

/**
 * For an option that is `host:port`.
 *
 * @param defaultPort when the port is left out; needed when absent
 * @returns a parser that throws InvalidArgumentError
 */
export function addressParser(defaultPort?: number): (text: string) => Endpoint {
  return (text) => {
    const endpoint = parseEndpoint(text, defaultPort)
    if (endpoint !== undefined) return endpoint
    throw new InvalidArgumentError('need host:port.')
  }
}
