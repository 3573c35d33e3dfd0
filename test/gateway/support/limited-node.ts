import { expect } from 'vitest'
import type { GatewayOptions, Limits } from '../../../src/gateway/index.ts'
import type { PacketType } from '../../../src/protocol/index.ts'
import { openConnection, type TestClient } from '../../helpers/packet-client.ts'
import type { RawTls } from '../../helpers/raw-tls.ts'
import { connectTo, expectPacket, type Kind } from './conversation.ts'
import { watchForLeftovers } from './leftovers.ts'
import { type ScriptedHost, startHost } from './scripted-host.ts'
import { startNode, type TestNode } from './test-node.ts'

/** Everything that a test past a limit needs; what it opened is closed and looked for at the end. */
export interface Limited {
  node: TestNode
  host: ScriptedHost
  connect(kind: Kind): Promise<TestClient>
  /** A TLS connection, nothing sent. */
  open(localAddress?: string): Promise<RawTls>
  /** First line of the answer to this request on a new connection; empty when it is closed instead. */
  ask(request: string, localAddress?: string): Promise<string>
  /** Called when the test is done with all it has opened. @throws Error when the node still holds any of it */
  expectNothingLeft(): Promise<void>
  close(): Promise<void>
}

export const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n'
/** "Prompt", on a machine that does other things as well: less than the limits give that tests leave as they are (10 s). */
export const PROMPT_MS = 8_000

export async function startLimited(
  limits: Partial<Limits>,
  options: Partial<GatewayOptions> = {},
): Promise<Limited> {
  const node = await startNode({ limits: { closeTimeoutMs: 300, ...limits }, ...options })
  const host = await startHost()
  const opened: RawTls[] = []
  const expectNothing = watchForLeftovers(node, host)
  const open = async (localAddress = '127.0.0.1'): Promise<RawTls> => {
    const connection = await openConnection({ ...node, localAddress })
    opened.push(connection)
    return connection
  }
  const closeOpened = (): void => {
    for (const { socket } of opened.splice(0)) socket.destroy()
  }
  return {
    node,
    host,
    open,
    async connect(kind) {
      const client = await connectTo(node, kind)
      opened.push(...client.connections)
      return client
    },
    async ask(request, localAddress) {
      const connection = await open(localAddress).catch(() => undefined)
      connection?.write(request)
      const answer = (await connection?.readToEnd()) ?? Buffer.alloc(0)
      return answer.toString('latin1').split('\r\n')[0] ?? ''
    },
    async expectNothingLeft() {
      closeOpened()
      await expectNothing()
    },
    async close() {
      closeOpened()
      host.close()
      await node.gateway.close()
    },
  }
}

/**
 * The next packet is this response with this code, and then the connection ends: all of it promptly after
 * `afterMs`.
 */
export async function expectRefusal(
  client: TestClient,
  type: PacketType,
  decode: (body: Uint8Array) => number,
  code: number,
  afterMs = 0,
): Promise<void> {
  const startedAtMs = performance.now()
  const answer = await expectPacket(client, type)
  expect(`0x${decode(answer.body).toString(16)}`).toBe(`0x${code.toString(16)}`)
  expect(await client.receive()).toBeUndefined()
  expect(performance.now() - startedAtMs).toBeLessThan(afterMs + PROMPT_MS)
}
