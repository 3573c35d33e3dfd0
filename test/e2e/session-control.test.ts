import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { withDeadline } from '../../src/lib/index.ts'
import { fetchConsoleFile } from '../helpers/api.ts'
import { type DemoRun, ENTRY, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
  type Transport,
} from '../helpers/freerdp.ts'
import { type RunningProgram, startProgram, testWithPrograms } from '../helpers/programs.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const CONSENT_TEXT = 'Authorized use only.\nSessions are recorded.'
const QUESTION = `Consent message:\n${CONSENT_TEXT}\n`
const MESSAGE = 'Maintenance at ten.\nPlease save: \u{1f4be}'
const WITHIN_MS = 60_000

describe('an operator and the user of a console', () => {
  let demo: DemoRun
  let display: Display
  let scratch: string

  beforeAll(async () => {
    demo = await startDemoRun()
    display = await startDisplay()
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-sessions-'))
    await cli('policy', 'set', '--enforce', `consentText=${CONSENT_TEXT}`)
  })

  afterAll(async () => {
    await display?.stop()
    await demo?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, 'Xvfb', 'stdbuf'],
        `${program} over ${transport} agrees to the consent text, shows a message, and is ended`,
        () => isControlled(program, transport),
      )
      testWithPrograms(
        [program, 'Xvfb', 'stdbuf'],
        `${program} over ${transport} does not agree: no host is dialled`,
        () => doesNotAgree(program, transport),
      )
    }
  }

  testWithPrograms(
    ['xfreerdp', 'Xvfb', 'stdbuf'],
    'the list says what a session has used',
    async () => {
      const client = await connect('xfreerdp', 'websocket')
      try {
        await agree(client)
        // It comes with a heartbeat, of which there is one in ten seconds.
        const session = await eventually(
          'usage',
          async () => (await listed())[0]?.bytesOut && listed(),
          { timeoutMs: WITHIN_MS },
        )
        expect(session).toMatchObject([
          { bytesIn: expect.any(Number), idleSeconds: expect.any(Number) },
        ])
      } finally {
        await client.stop()
      }
      await eventually('the end of the session', async () => (await listed()).length === 0)
    },
  )

  async function isControlled(program: FreerdpProgram, transport: Transport): Promise<void> {
    const before = (await demo.log('gw1')).length
    const client = await connect(program, transport)
    try {
      await agree(client)
      await eventually('the channel', async () =>
        (await demo.log('gw1')).slice(before).some(({ event }) => event === 'channel.opened'),
      )
      // What the broker knows of it, and that the one before is over, comes a moment later.
      const session = await eventually('the session', async () => {
        const [first, second] = await listed()
        return second === undefined && first?.transport === transport && first
      })
      expect(session).toMatchObject({ takesMessages: true, node: 'gw1' })

      await cli('session', 'message', session.id, MESSAGE)
      await prints(client, `Service message:\n${MESSAGE}\n`)

      await cli('session', 'kill', session.id)
      await withDeadline(client.ended, WITHIN_MS, 'end of the client')
      expect(client.output()).toContain('E_PROXY_CONNECTIONABORTED')
    } finally {
      await client.stop()
    }
  }

  async function doesNotAgree(program: FreerdpProgram, transport: Transport): Promise<void> {
    const before = (await demo.log('gw1')).length
    const client = await connect(program, transport)
    try {
      await prints(client, QUESTION)
      client.child.stdin?.write('N\n')
      await withDeadline(client.ended, WITHIN_MS, 'end of the client')
    } finally {
      await client.stop()
    }
    const lines = await eventually('the end of the session', async () => {
      const since = (await demo.log('gw1')).slice(before)
      return since.some(({ event }) => event === 'session.closed') && since
    })
    expect(lines.find(({ event }) => event === 'tunnel.created')).toMatchObject({
      consentAsked: true,
    })
    expect(lines.find(({ event }) => event === 'session.closed')).toMatchObject({
      reason: 'client-closed',
    })
    expect(lines.some(({ event }) => event === 'channel.opened')).toBe(false)
  }

  async function agree(client: RunningProgram): Promise<void> {
    await prints(client, QUESTION)
    client.child.stdin?.write('Y\n')
  }

  async function listed(): Promise<Array<{ id: string; transport?: string; bytesOut?: number }>> {
    return JSON.parse(await cli('session', 'list', '--vm', 'vm-alpha', '--json')).items
  }

  async function connect(program: FreerdpProgram, transport: Transport): Promise<RunningProgram> {
    const file = join(scratch, 'console.rdp')
    await writeFile(file, await fetchConsoleFile(demo.ready, 'vm-alpha', { ttlSeconds: 120 }))
    const args = [file, ...TRANSPORT_ARGS[program][transport]]
    return startFreerdp({ program, display, args, attended: true })
  }

  async function prints(client: RunningProgram, text: string): Promise<void> {
    await eventually(`the client prints "${text}"`, () => client.output().includes(text), {
      timeoutMs: WITHIN_MS,
      context: client.output,
    })
  }

  /** A command against the demo; its standard output and error. */
  async function cli(...args: string[]): Promise<string> {
    const ready = ['--ready-file', demo.readyFile]
    const program = startProgram(process.execPath, [ENTRY, ...args, ...ready])
    expect(await program.ended, program.output()).toBe(0)
    return program.output()
  }
})
