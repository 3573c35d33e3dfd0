import { isIPv6 } from 'node:net'

/** A host (name or literal address, no brackets) and a TCP port. */
export interface Endpoint {
  host: string
  /** 1 to 65535. */
  port: number
}

/**
 * `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`; the port may be left out when a default is given.
 * The host is lower-cased and loses one trailing dot and its brackets.
 *
 * @returns undefined when the text is none of these
 */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s[\]:/@]+))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain, portText] = match
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined
  const port = portText === undefined ? defaultPort : Number(portText)
  if (port === undefined || port < 1 || port > 65_535) return undefined
  const host = normalizeHost(bracketed ?? plain ?? '')
  return host === '' ? undefined : { host, port }
}

/** Lower case, without brackets and without one trailing dot: the form in which hosts are compared. */
export function normalizeHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

/** The text form that `parseEndpoint` reads back; IPv6 addresses get brackets. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}
