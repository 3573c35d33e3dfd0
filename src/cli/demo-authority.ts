import { BrokerError, type Endpoint, formatEndpoint, parseEndpoint } from '../lib/index.ts'
import { readText } from './files.ts'
import { READY_FILE, readReadyFile } from './ready-file.ts'

/**
 * The authority behind the demo's gateways, PEM: trusted for exactly the addresses that its ready file
 * names, since a development authority has no say about anybody else's gateway.
 *
 * @returns undefined when no demo runs here or the gateway is not one of its own
 * @throws BrokerError `ERR_USAGE` when the ready file names an authority that can't be read
 */
export function demoAuthority(gateway: Endpoint, readyFilePath = READY_FILE): string | undefined {
  const demo = readDemo(readyFilePath)
  if (demo === undefined) return undefined
  const wanted = formatEndpoint(gateway)
  const addresses = [demo.gatewayAddress, ...demo.gateways.map(({ address }) => address)]
  const isOurs = addresses.some((address) => {
    const endpoint = parseEndpoint(address)
    return endpoint !== undefined && formatEndpoint(endpoint) === wanted
  })
  return isOurs ? readText(demo.caFile, "the demo's authority") : undefined
}

/** A missing or broken ready file only means that there is no demo: the system's roots decide then. */
function readDemo(path: string): ReturnType<typeof readReadyFile> | undefined {
  try {
    return readReadyFile(path, '--ca')
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'ERR_USAGE') return undefined
    throw error
  }
}
