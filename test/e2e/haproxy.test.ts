import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Secret } from '../../src/lib/index.ts'
import { decodeTunnelResponse, PacketType } from '../../src/protocol/index.ts'
import { expectPacket } from '../gateway/support/conversation.ts'
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
import { startRenderedHaproxy } from '../helpers/haproxy.ts'
import { openWebSocket, requests } from '../helpers/packet-client.ts'
import { freePort } from '../helpers/ports.ts'
import { type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'

describe('through HAProxy, with the configuration that farm render wrote', () => {
  let shown: ShownHost
  let demo: DemoRun
  let haproxy: RunningProgram

  beforeAll(async () => {
    const port = await freePort()
    shown = await startShownHost()
    await shown.paint([40, 200, 90])
    demo = await startDemoRun([
      ...['--console', `${shown.host.address}:${shown.host.port}`],
      ...['--farm-address', `localhost:${port}`],
    ])
    haproxy = await startRenderedHaproxy(shown.scratch, port, ['--ready-file', demo.readyFile])
  })

  afterAll(async () => {
    await haproxy?.stop()
    await demo?.stop()
    await shown?.stop()
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, 'haproxy', 'freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot'],
        `${program} shows the host over ${transport}`,
        () => showsTheHost(program, transport),
      )
    }
  }

  testWithPrograms(
    ['haproxy', 'freerdp-shadow-cli', 'Xvfb', 'xsetroot'],
    "tokens are bound to the clients' own addresses",
    async () => {
      const { status, body } = await callApi(demo.ready, 'POST', '/v1/consoles', {
        json: { vm: demo.ready.vms[0]?.id },
      })
      expect(status).toBe(201)
      const token = new Secret(JSON.parse(body.toString('utf8')).gatewayToken)
      expect(await tunnelStatus(token, '127.0.0.2')).toBe(0)
      expect(await tunnelStatus(token, '127.0.0.3')).not.toBe(0)
      const logged = (event: string) =>
        eventually(event, async () =>
          (await logLines()).find(
            (line) => line.event === event && line.remoteAddress !== '127.0.0.1',
          ),
        )
      expect(await logged('tunnel.created')).toMatchObject({ remoteAddress: '127.0.0.2' })
      expect(await logged('token.refused')).toMatchObject({
        remoteAddress: '127.0.0.3',
        reason: 'client-mismatch',
      })
    },
  )

  /** What the farm says to a client that presents the token from one of this machine's addresses. */
  async function tunnelStatus(token: Secret, localAddress: string): Promise<number> {
    const port = Number(demo.ready.gatewayAddress.split(':').at(-1))
    const ca = await readFile(demo.ready.caFile, 'utf8')
    const client = await openWebSocket(port, ca, localAddress)
    try {
      client.send(requests.handshake())
      await expectPacket(client, PacketType.handshakeResponse)
      client.send(requests.tunnel(token))
      const { body } = await expectPacket(client, PacketType.tunnelResponse)
      return decodeTunnelResponse(body).statusCode
    } finally {
      for (const { socket } of client.connections) socket.destroy()
    }
  }

  async function showsTheHost(program: FreerdpProgram, transport: Transport): Promise<void> {
    expect(demo.ready.gatewayAddress).not.toBe(demo.ready.gateways[0]?.address)
    const file = join(shown.scratch, 'console.rdp')
    await writeFile(file, await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? ''))
    const before = await tunnels()
    const client = await startFreerdp({
      ...{ program, display: shown.display },
      args: [file, ...TRANSPORT_ARGS[program][transport]],
    })
    try {
      await shown.shows(() => client.output() + haproxy.output())
      await eventually('the tunnel is logged', async () => (await tunnels()).length > before.length)
      expect((await tunnels()).slice(before.length)).toEqual([transport])
    } finally {
      await client.stop()
    }
    await shown.clears()
  }

  /** Transports of the tunnels that either node has seen: affinity may choose any. */
  async function tunnels(): Promise<unknown[]> {
    return (await logLines())
      .filter(({ event }) => event === 'tunnel.created')
      .sort((a, b) => String(a.time).localeCompare(String(b.time)))
      .map((line) => line.transport)
  }

  async function logLines(): Promise<Array<Record<string, unknown>>> {
    const logs = await Promise.all(demo.ready.gateways.map(({ id }) => demo.log(id)))
    return logs.flat()
  }
})
