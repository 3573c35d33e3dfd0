import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import { callApi, fetchConsoleFile } from '../helpers/api.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
  type Transport,
} from '../helpers/freerdp.ts'
import { type PreconnectionFront, startPreconnectionFront } from '../helpers/preconnection-front.ts'
import { type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import type { Colour } from '../helpers/screenshot.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'

const VM = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
const OTHER_VM = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const PROGRAMS = ['freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot']

/**
 * A host of kind hyperv whose place a small front takes: it reads the preconnection blob and pipes on to a
 * real RDP host. What is missing of Hyper-V is its order behind the blob, TLS and CredSSP before X.224.
 */
describe('a machine of a host that serves many', () => {
  let shown: ShownHost
  let front: PreconnectionFront
  let demo: DemoRun
  let logged: number

  beforeAll(async () => {
    shown = await startShownHost()
    front = await startPreconnectionFront(shown.host)
    demo = await startDemoRun(['--console', `${front.address}:${front.port}`])
    await putMachine('basic')
  })

  beforeEach(async () => {
    logged = (await demo.log('gw1')).length
  })

  afterAll(async () => {
    await demo?.stop()
    front?.stop()
    await shown?.stop()
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, ...PROGRAMS],
        `${program} over ${transport} shows the machine that token and file name`,
        async () => {
          // Another one than in the run before, so that what is seen is this run's.
          const colour: Colour = transport === 'http' ? [200, 40, 60] : [40, 90, 210]
          await shown.paint(colour)
          const before = front.blobs.length
          const client = await open(program, transport, { negotiate: true })
          try {
            await shown.shows(client.output)
          } finally {
            await client.stop()
          }
          expect(front.blobs.slice(before)).toContainEqual({ text: VM, behind: 'x224' })
        },
      )
    }

    testWithPrograms(
      [program, ...PROGRAMS],
      `${program} as the file tells it: blob, then TLS at once, in enhanced mode as well`,
      async () => {
        for (const [mode, text] of [
          ['enhanced', `${VM};EnhancedMode=1`],
          ['basic', VM],
        ] as const) {
          await putMachine(mode)
          const before = front.blobs.length
          const client = await open(program, 'websocket', { negotiate: false })
          try {
            await eventually(
              `the blob ${text}, then TLS`,
              // A probe's blob has the same form, but comes without a tunnel.
              async () => (await opened()) && has(before, { text, behind: 'tls' }),
              { timeoutMs: 60_000, context: client.output },
            )
          } finally {
            // FreeRDP 3 waits for the host's TLS, and hears no TERM meanwhile.
            client.child.kill('SIGKILL')
            await client.stop()
          }
        }
      },
    )

    testWithPrograms(
      [program, ...PROGRAMS],
      `${program} that asks for another machine with the same token gets nowhere`,
      async () => {
        const before = front.blobs.length
        const args = [`/pcb:${OTHER_VM}`]
        const client = await open(program, 'websocket', { negotiate: true, args })
        try {
          await eventually(
            'the node ends the session',
            async () => (await ends()).includes('vm-mismatch'),
            { timeoutMs: 60_000, context: client.output },
          )
        } finally {
          await client.stop()
        }
        // Probes may have come meanwhile: they ask for no machine.
        const asked = front.blobs.slice(before).map(({ text }) => text)
        expect(asked.filter((text) => text?.includes(OTHER_VM))).toEqual([])
      },
    )
  }

  async function opened(): Promise<boolean> {
    const lines = (await demo.log('gw1')).slice(logged)
    return lines.some(({ event }) => event === 'channel.opened')
  }

  function has(from: number, blob: (typeof front.blobs)[number]): boolean {
    return front.blobs.slice(from).some((it) => isDeepStrictEqual(it, blob))
  }

  async function ends(): Promise<unknown[]> {
    const lines = (await demo.log('gw1')).slice(logged)
    return lines.filter(({ event }) => event === 'session.closed').map(({ reason }) => reason)
  }

  async function putMachine(mode: 'basic' | 'enhanced'): Promise<void> {
    const console = { allow: true, mode }
    const { address, port } = front
    await put('/v1/hosts/hyperv1', { kind: 'hyperv', address, port, console })
    const tenant = demo.ready.tenant.id
    await put('/v1/vms/many1', { name: 'One of many', tenant, host: 'hyperv1', guid: VM })
  }

  async function put(path: string, json: object): Promise<void> {
    const { status, body } = await callApi(demo.ready, 'PUT', path, { json })
    if (status >= 300) throw new Error(`PUT ${path}: ${status} ${body.toString('utf8')}`)
  }

  /** @param negotiate X.224 before TLS, which the file says no to and the host behind the front needs */
  async function open(
    program: FreerdpProgram,
    transport: Transport,
    { negotiate, args = [] }: { negotiate: boolean; args?: string[] },
  ): Promise<RunningProgram> {
    const file = join(shown.scratch, `${program}-${transport}.rdp`)
    const text = (await fetchConsoleFile(demo.ready, 'many1')).toString('utf16le')
    const changed = text.replace('negotiate security layer:i:0', 'negotiate security layer:i:1')
    expect(changed).not.toBe(text)
    await writeFile(file, Buffer.from(negotiate ? changed : text, 'utf16le'))
    return startFreerdp({
      ...{ program, display: shown.display },
      args: [file, ...TRANSPORT_ARGS[program][transport], ...args],
    })
  }
})
