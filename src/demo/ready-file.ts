import { rmSync } from 'node:fs'
import { readIfPresent, writePrivateFile } from './files.ts'

/** `demo.json` in the data directory: what scripts need to use the running demo. Mode 0600. */
export interface ReadyFile {
  pid: number
  portalUrl: string
  apiUrl: string
  /** `host:port` of the first node: the name that clients dial. */
  gatewayAddress: string
  gateways: Array<{ id: string; address: string }>
  /** Absolute path of the certificate authority's public certificate. */
  caFile: string
  apiKey: string
  operator: { user: string; password: string }
  tenant: { id: string; user: string; password: string }
  vms: Array<{ id: string; name: string }>
}

export function writeReadyFile(path: string, ready: ReadyFile): void {
  writePrivateFile(path, `${JSON.stringify(ready, null, 2)}\n`)
}

/**
 * Options for `curl --config`: the authority and the API key, which so stay out of curl's arguments.
 *
 * @returns the file's content
 */
export function renderCurlConfig({ caFile, apiKey }: ReadyFile): string {
  return `cacert = "${caFile}"\nheader = "Authorization: Bearer ${apiKey}"\n`
}

export function removeReadyFile(path: string): void {
  rmSync(path, { force: true })
}

/** The process that a ready file speaks of, when it still runs: a file left behind by a crash counts for nothing. */
export function runningDemo(path: string): number | undefined {
  const text = readIfPresent(path)
  if (text === undefined) return undefined
  const pid = pidOf(text)
  return pid !== undefined && pid !== process.pid && isRunning(pid) ? pid : undefined
}

function pidOf(text: string): number | undefined {
  try {
    const pid: unknown = JSON.parse(text).pid
    return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
