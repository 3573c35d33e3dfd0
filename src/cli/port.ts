import { InvalidArgumentError } from 'commander'

/** A TCP port of an option. @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('need a port, 1 to 65535.')
}
