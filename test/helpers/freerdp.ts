import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningProgram, startProgram } from './programs.ts'
import type { Display } from './xvfb.ts'

/** FreeRDP 2 and FreeRDP 3 as Debian names them. */
export type FreerdpProgram = 'xfreerdp' | 'xfreerdp3'

export const FREERDP_PROGRAMS: readonly FreerdpProgram[] = ['xfreerdp', 'xfreerdp3']

export interface FreerdpOptions {
  program: FreerdpProgram
  /** Where its window appears. */
  display: Display
  /** `['/v:127.0.0.1:3389']`, or a path of an .rdp file first. */
  args: string[]
  /** What it does about certificates it can't verify; `ask` on standard input, which stays open then. */
  certificates?: 'ignore' | 'ask'
  /** What it asks of the host; `nla` is CredSSP. */
  security?: 'tls' | 'nla'
  /** Somebody sits in front of it: standard input stays open, and what it prints is there at once. */
  attended?: boolean
}

/** Of itself, a client gives its host 9 s to show something: too few where several start at once on a busy machine. */
const PATIENCE_ARG = '/timeout:60000'

/** What a client asks before it goes on with a certificate; one `Y` on standard input answers it for good. */
export const CERTIFICATE_PROMPT = 'Do you trust the above certificate? (Y/T/N)'

/**
 * Starts a FreeRDP client that asks nothing: TLS security and any certificate unless told, standard
 * input closed, HOME in a scratch directory that goes away with `stop()`. FreeRDP 3 would prompt without user
 * name and password, so it gets some. Its exit code means nothing after `stop()`; `output()` has its log.
 */
export async function startFreerdp({
  program,
  display,
  args,
  certificates = 'ignore',
  security = 'tls',
  attended = false,
}: FreerdpOptions): Promise<RunningProgram> {
  const home = await mkdtemp(join(tmpdir(), 'portcullis-freerdp-'))
  const client = startProgram(
    attended ? 'stdbuf' : program,
    [
      ...(attended ? ['-o0', program] : []),
      ...args,
      `/sec:${security}`,
      PATIENCE_ARG,
      ...(certificates === 'ignore' ? ['/cert:ignore'] : []),
      ...(program === 'xfreerdp3' || security === 'nla' ? ['/u:u', '/p:p'] : []),
    ],
    {
      env: { ...display.env, HOME: home, XDG_CONFIG_HOME: home, LANG: 'C.UTF-8' },
      keepInputOpen: attended || certificates === 'ask',
    },
  )
  return {
    ...client,
    async stop() {
      await client.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Arguments that go straight to a host, without a gateway. */
export function directArgs(
  host: { address: string; port: number },
  size: { width: number; height: number },
): string[] {
  return [`/v:${host.address}:${host.port}`, `/size:${size.width}x${size.height}`]
}

/** MS-TSGU's two transports, as the node's log names them. */
export const TRANSPORTS = ['websocket', 'http'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** What makes each client use a transport; WebSocket is the default of both. */
export const TRANSPORT_ARGS: Record<FreerdpProgram, Record<Transport, string[]>> = {
  xfreerdp: { websocket: [], http: ['/gt:http,no-websockets'] },
  xfreerdp3: { websocket: [], http: ['/gateway:type:http,no-websockets'] },
}
