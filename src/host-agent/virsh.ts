import { execFile } from 'node:child_process'
import { errorText, Refusal } from '../lib/index.ts'
import type { Consoles } from './consoles.ts'

export interface VirshOptions {
  /** Name or path of the program. */
  command: string
  /** Of the hypervisor: `qemu:///system`. */
  uri: string
  /** Default 5 s. */
  timeoutMs?: number
}

/** libvirt answers at once, or hangs. */
const DEFAULT_TIMEOUT_MS = 5_000
/** One line is all it says. */
const MAX_OUTPUT_BYTES = 4_096
/** libvirt's words for a machine that it doesn't have, in the one language they are asked for in. */
const UNKNOWN_DOMAIN = /failed to get domain|domain not found/i

/**
 * Asks libvirt where a machine's RDP console is, each time: ports change from start to start.
 * No shell comes near it, and the GUID is one, since the token's claims have proven that.
 */
export function createVirshConsoles(options: VirshOptions): Consoles {
  /** Being asked now: whoever opens one machine many times at once costs the host one process. */
  const asked = new Map<string, Promise<string>>()
  const ask = (guid: string): Promise<string> => {
    const known = asked.get(guid)
    if (known !== undefined) return known
    const answer = domdisplay(options, guid).finally(() => asked.delete(guid))
    asked.set(guid, answer)
    return answer
  }

  return {
    async find(guid) {
      const output = await ask(guid)
      const address = parseDisplay(output)
      if (address !== undefined) return { address, proxy: false }
      throw new Refusal('host-unreachable', `virsh: ${guid} has no RDP display`)
    },
  }
}

/** `rdp://127.0.0.1:3389`, as `virsh domdisplay` prints it. @returns undefined for anything else */
export function parseDisplay(output: string): { host: string; port: number } | undefined {
  const match = /^rdp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})\s*$/.exec(output)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

function domdisplay(
  { command, uri, timeoutMs = DEFAULT_TIMEOUT_MS }: VirshOptions,
  guid: string,
): Promise<string> {
  const args = ['--readonly', '--connect', uri, 'domdisplay', '--type', 'rdp', guid]
  const settings = {
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { ...process.env, LC_ALL: 'C' },
  } as const
  return new Promise((resolve, reject) => {
    execFile(command, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const reason = UNKNOWN_DOMAIN.test(stderr) ? 'vm-unknown' : 'host-unreachable'
      const [line = ''] = stderr.trim().split('\n')
      const said = error.killed ? `no answer within ${timeoutMs} ms` : line || errorText(error)
      reject(new Refusal(reason, `virsh: ${said.slice(0, 200)}`, { cause: error }))
    })
  })
}
