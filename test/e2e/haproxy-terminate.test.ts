import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { stringify } from 'yaml'
import { PacketType } from '../../src/protocol/index.ts'
import { expectPacket } from '../gateway/support/conversation.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
  type Transport,
} from '../helpers/freerdp.ts'
import { startRenderedHaproxy } from '../helpers/haproxy.ts'
import { openConnection, openHttpPair, requests } from '../helpers/packet-client.ts'
import { freePort } from '../helpers/ports.ts'
import { loggedBy, type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'

/** Enough that chance puts them on one of two nodes once in millions of runs. */
const PAIRS = 24
const CLIENT = '127.0.0.9'

/** From the balancer to the nodes. */
const LINKS = { plain: false, 're-encrypted': true }

for (const [link, tls] of Object.entries(LINKS)) {
  describe(`behind HAProxy that ends TLS, ${link} to the nodes`, () => {
    let shown: ShownHost
    let farm: FarmRun
    let haproxy: RunningProgram
    let port: number

    beforeAll(async () => {
      const first = await freePort(3)
      port = first
      const nodeAddress = (index: number): string => `127.0.0.1:${first + 1 + index}`
      shown = await startShownHost()
      await shown.paint([40, 90, 200])
      farm = await startFarm(['gw1', 'gw2'], {
        address: `localhost:${port}`,
        target: { host: shown.host.address, port: shown.host.port },
        listeners: (index) => [
          { address: nodeAddress(index), tls, proxy: 'required', from: ['127.0.0.1'] },
        ],
        logLevel: 'info',
      })
      const config = join(shown.scratch, 'farm.yaml')
      await writeFile(
        config,
        stringify({
          name: 'test',
          address: `localhost:${port}`,
          mode: 'terminate',
          listen: `127.0.0.1:${port}`,
          // Its key lies beside it as tls.key.
          certificateFile: join(farm.certs, 'nodes', 'gw1', 'tls.crt'),
          nodes: farm.nodes.map(({ name }, index) => ({ name, address: nodeAddress(index), tls })),
          caFile: join(farm.certs, 'public', 'ca.crt'),
        }),
      )
      haproxy = await startRenderedHaproxy(shown.scratch, port, ['--config', config])
    })

    afterAll(async () => {
      await haproxy?.stop()
      await farm?.stop()
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
      'the halves of every pair meet, however they spell their id, and the node knows the client',
      async () => {
        const before = tunnels().length
        for (let pair = 0; pair < PAIRS; pair += 1) {
          const client = await openHttpPair(port, farm.ca, { localAddress: CLIENT, spellIn: bare })
          client.send(requests.handshake())
          await expectPacket(client, PacketType.handshakeResponse)
          client.send(requests.tunnel(await farm.mint()))
          await expectPacket(client, PacketType.tunnelResponse)
          for (const { socket } of client.connections) socket.destroy()
        }
        const created = await eventually('every pair is logged', () => {
          const lines = tunnels().slice(before)
          return lines.length === PAIRS && lines
        })
        expect(new Set(created.map(({ node }) => node))).toEqual(new Set(['gw1', 'gw2']))
        expect(new Set(created.map((it) => it.remoteAddress))).toEqual(new Set([CLIENT]))
      },
    )

    testWithPrograms(
      ['haproxy', 'freerdp-shadow-cli', 'Xvfb', 'xsetroot'],
      'what is no HTTP is closed without a node, and HTTP that is no tunnel is answered by one',
      async () => {
        const other = await openConnection({ port, ca: farm.ca })
        other.write(Buffer.from('\x03\x00\x00\x13 no HTTP\r\n\r\n'))
        await other.closed
        const http = await openConnection({ port, ca: farm.ca, ALPNProtocols: ['h2', 'http/1.1'] })
        expect(http.socket.alpnProtocol).toBe('http/1.1')
        http.write(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
        expect(await http.readHead()).toMatch(/^HTTP\/1\.1 404 /)
      },
    )

    async function showsTheHost(program: FreerdpProgram, transport: Transport): Promise<void> {
      const file = join(shown.scratch, 'console.rdp')
      const { body } = await farm.api('POST', '/v1/consoles', { vm: 'web' })
      await writeFile(file, Buffer.from(JSON.parse(body.toString('utf8')).rdp, 'base64'))
      const before = tunnels().length
      const client = await startFreerdp({
        ...{ program, display: shown.display },
        args: [file, ...TRANSPORT_ARGS[program][transport]],
      })
      try {
        await shown.shows(() => client.output() + haproxy.output())
        await eventually('the tunnel is logged', () => tunnels().length > before)
        expect(tunnels().slice(before)).toMatchObject([{ transport }])
      } finally {
        await client.stop()
      }
      await shown.clears()
    }

    /** What the nodes say of tunnels, in the order of time. */
    function tunnels(): Array<Record<string, unknown>> {
      return farm.nodes
        .flatMap(({ program }) => loggedBy(program))
        .filter(({ event }) => event === 'tunnel.created')
        .sort((a, b) => String(a.time).localeCompare(String(b.time)))
    }
  })
}

/** The same id in lower case and without braces. */
function bare(connectionId: string): string {
  return connectionId.toLowerCase().slice(1, -1)
}
