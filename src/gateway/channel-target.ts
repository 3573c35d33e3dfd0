import { isIPv6 } from 'node:net'
import { type Endpoint, normalizeHost, parseEndpoint, Refusal } from '../lib/index.ts'

/** What CHANNEL_CREATE asks for: names of one host, [MS-TSGU] 2.2.10.2. */
export interface RequestedTarget {
  /** Resources and alternate resources; each a name, `name:port`, or an address. */
  names: readonly string[]
  port: number
}

/**
 * The token decides where to dial; what the client names must only agree with it.
 *
 * @param dst claim `dst`: `host:port`
 * @returns the token's target
 * @throws Refusal `target-mismatch` when none of the client's names is the token's host with its port
 */
export function matchTarget(dst: string, { names, port }: RequestedTarget): Endpoint {
  const target = parseEndpoint(dst)
  if (target === undefined) throw new Refusal('target-mismatch', 'dst: is no host:port')
  const matches = names.some((name) => {
    const named = parseName(name, port)
    return named?.host === target.host && named.port === target.port
  })
  if (matches) return target
  throw new Refusal(
    'target-mismatch',
    `dst: need ${dst}, client names ${printable(names)} with port ${port}`,
  )
}

/** mstsc is reported to send `host:port`; the port field must say the same. */
function parseName(name: string, port: number): Endpoint | undefined {
  if (isIPv6(name)) return { host: normalizeHost(name), port }
  const endpoint = parseEndpoint(name, port)
  return endpoint?.port === port ? endpoint : undefined
}

/** The client's text for the log: no control characters, not long. */
function printable(names: readonly string[]): string {
  return names
    .map((name) => name.replaceAll(/\p{C}/gu, '?').slice(0, 255))
    .join(', ')
    .slice(0, 512)
}
