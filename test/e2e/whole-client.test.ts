import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import { Turns } from '../../src/lib/index.ts'
import { callApi } from '../helpers/api.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  CERTIFICATE_PROMPT,
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
  type Transport,
} from '../helpers/freerdp.ts'
import { findProgram, testWithPrograms } from '../helpers/programs.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'
import { startDisplay } from '../helpers/xvfb.ts'

// Line 81 of the checklist; 82 is in refusals.test.ts, 83 in host-reset.test.ts.

/** Longer than a person reads, and than any time that a node gives to those who ask nobody. */
const PROMPT_MS = 61_000
/** Two minutes at their prompts, and as long as a picture may take after each. */
const ASKING_TIMEOUT_MS = 300_000
/** What FreeRDP says when its host has not made it active within a minute. */
const NOT_ACTIVATED = 'ERRCONNECT_ACTIVATION_TIMEOUT'
const NEEDED = ['freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot']

/** Off unless asked for: the files that a broker renders say so. */
const RECONNECT = { without: [], with: ['+auto-reconnect'] } as const
type Reconnect = keyof typeof RECONNECT

interface Kind {
  program: FreerdpProgram
  transport: Transport
}

/** One that asks about certificates, and at which of its two questions its user leaves. */
interface Asking extends Kind {
  about: 'gateway' | 'host'
}

/** All at once, since each takes its minute: every client and every transport with either question. */
const ASKING: readonly Asking[] = [
  { program: 'xfreerdp', transport: 'websocket', about: 'gateway' },
  { program: 'xfreerdp', transport: 'http', about: 'host' },
  { program: 'xfreerdp3', transport: 'http', about: 'gateway' },
  { program: 'xfreerdp3', transport: 'websocket', about: 'host' },
]

describe('whole clients', () => {
  let shown: ShownHost
  let demo: DemoRun
  /** Begun before the other tests and judged after them. */
  const asked = new Map<Asking, Promise<unknown>>()
  /** One client after the other at the host: freerdp-shadow has let one of four that came in the same instant wait for ever. */
  const turns = new Turns(1)

  beforeAll(async () => {
    shown = await startShownHost()
    await shown.paint([200, 160, 40])
    demo = await startDemoRun(['--console', `${shown.host.address}:${shown.host.port}`])
    if (NEEDED.some((program) => findProgram(program) === undefined)) return
    for (const asking of ASKING) {
      if (findProgram(asking.program) === undefined) continue
      const outcome = onceMore(asking)
      // Its own test tells.
      outcome.catch(() => {})
      asked.set(asking, outcome)
    }
  })

  afterAll(async () => {
    await Promise.allSettled(asked.values())
    await demo?.stop()
    await shown?.stop()
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      for (const reconnect of ['without', 'with'] as const) {
        testWithPrograms(
          [program, ...NEEDED],
          `81. ${program} over ${transport}, ${reconnect} auto-reconnect, shows the host`,
          () => showsTheHost({ program, transport }, reconnect),
        )
      }
    }
  }

  for (const transport of TRANSPORTS) {
    testWithPrograms(
      ['xfreerdp', ...NEEDED],
      `81. xfreerdp over ${transport}, token and gateway by option, shows the host`,
      async () => {
        const { token } = await fetchFile()
        const to = `/v:${shown.host.address}:${shown.host.port}`
        const by = [`/g:${demo.ready.gatewayAddress}`, `/gat:${token}`]
        const how = transport === 'http' ? '/gt:http,no-websockets' : '/gt:http'
        const args = [to, ...by, how, '/size:800x600']
        await turns.take(() => shownBy({ program: 'xfreerdp', transport }, args))
      },
    )
  }

  for (const asking of ASKING) {
    const { program, transport, about } = asking
    testWithPrograms(
      [program, ...NEEDED],
      `81. ${program} over ${transport} shows the host, the ${about}'s certificate accepted after a minute`,
      async () => {
        await asked.get(asking)
      },
      ASKING_TIMEOUT_MS,
    )
  }

  async function showsTheHost(kind: Kind, reconnect: Reconnect): Promise<void> {
    const { file } = await fetchFile()
    const args = [file, ...TRANSPORT_ARGS[kind.program][kind.transport], ...RECONNECT[reconnect]]
    await turns.take(() => shownBy(kind, args))
  }

  /** A colour that it cannot have shown before. */
  async function shownBy({ program, transport }: Kind, args: string[]): Promise<void> {
    const before = (await demo.log('gw1')).length
    const client = await startFreerdp({ program, display: shown.display, args })
    try {
      await shown.shows(client.output)
      await shown.paintAnother()
      await shown.shows(client.output)
      await eventually('the tunnel is logged', async () =>
        (await logged(before, 'tunnel.created')).some((line) => line.transport === transport),
      )
    } finally {
      await client.stop()
    }
  }

  /** Once in some 30 runs a client waits for the activation by freerdp-shadow in vain; it comes again then. */
  async function onceMore(asking: Asking): Promise<void> {
    try {
      await answersLate(asking)
    } catch (error) {
      if (!(error instanceof Error && error.message.includes(NOT_ACTIVATED))) throw error
      const { program, transport, about } = asking
      process.stdout.write(`${program} over ${transport}, ${about}: not activated, once more\n`)
      await answersLate(asking)
    }
  }

  async function answersLate({ program, transport, about }: Asking): Promise<void> {
    const own = await startDisplay()
    const { file } = await fetchFile()
    const args = [file, ...TRANSPORT_ARGS[program][transport]]
    const client = await startFreerdp({ program, display: own, args, certificates: 'ask' })
    /** @param count of its questions: about the gateway, then about the host */
    const asks = (count: number) =>
      eventually(
        `the client asks for the ${count}. time`,
        () => client.output().split(CERTIFICATE_PROMPT).length > count,
        { timeoutMs: 60_000, context: client.output },
      )
    const accept = () => client.child.stdin?.write('Y\n')
    try {
      await asks(1)
      if (about === 'host') {
        accept()
        await asks(2)
      }
      await sleep(PROMPT_MS)
      await turns.take(async () => {
        if (about === 'gateway') {
          accept()
          await asks(2)
        }
        accept()
        await shown.shows(client.output, own)
        // Its end must not meet the next one's beginning.
        await client.stop()
      })
    } finally {
      await client.stop()
      await own.stop()
    }
  }

  async function fetchFile(): Promise<{ file: string; token: string }> {
    // As long as the portal's: people take their time over prompts.
    const json = { vm: demo.ready.vms[0]?.id, ttlSeconds: 120 }
    const { body } = await callApi(demo.ready, 'POST', '/v1/consoles', { json })
    const { id, rdp, gatewayToken: token } = JSON.parse(body.toString('utf8'))
    const file = join(shown.scratch, `${id}.rdp`)
    await writeFile(file, Buffer.from(rdp, 'base64'))
    return { file, token }
  }

  async function logged(from: number, event: string): Promise<Array<Record<string, unknown>>> {
    return (await demo.log('gw1')).slice(from).filter((line) => line.event === event)
  }
})
