import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withDeadline } from '../../src/lib/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { eventually } from '../helpers/eventually.ts'
import { hex } from '../helpers/hex.ts'
import { CLOSE_MS } from '../helpers/raw-tls.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import {
  HANDSHAKE,
  HANDSHAKE_RESPONSE,
  KEEPALIVE,
  reach,
  refusal,
  TUNNEL_AUTH,
  tunnelCreate,
  X224_REQUEST,
} from './client.ts'
import { data, openConsole } from './console.ts'
import { openWire, WIRE_KINDS } from './wire.ts'

const CONNECTION_ABORTED = 0x8007_04d4
const SESSION_TIMEOUT = 0x8007_59f6
/** What every bad token gets. */
const ACCESS_DENIED = 0x8007_59f8
/** HTTP_CAPABILITY_IDLE_TIMEOUT and what FreeRDP offers; FreeRDP's alone. */
const KNOWS_LIMITS = 0x0f
const KNOWS_NONE = 0x0d
/** What a minute of `idl` and a second of `max` last here: longer than the way to the first bytes. */
const UNIT_MS = 1_500

let node: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode({ limits: { idleMinuteMs: UNIT_MS, sessionSecondMs: UNIT_MS } })
})
beforeEach(async () => {
  target = await startTarget()
})
afterEach(() => target.close())
afterAll(() => node.gateway.close())

describe.each(WIRE_KINDS)('over %s', (kind) => {
  // The checklist has the low words alone; DESIGN section 5 sets the high bit, for the reason at line 71.
  test.each([
    ['idle', { idl: 1 }, 'announced limits', KNOWS_LIMITS, SESSION_TIMEOUT],
    ['idle', { idl: 1 }, 'did not', KNOWS_NONE, CONNECTION_ABORTED],
    ['session', { max: 1 }, 'announced limits', KNOWS_LIMITS, SESSION_TIMEOUT],
    ['session', { max: 1 }, 'did not', KNOWS_NONE, CONNECTION_ABORTED],
  ] as const)(
    '75. %s limit, a client that %4$s: CLOSE_CHANNEL, close, and a worthless token',
    async (name, limit, _, capsFlags, code) => {
      const jti = `${kind} ${name} ${capsFlags}`
      const options = { claims: { ...limit, jti }, capsFlags }
      const { wire, host } = await openConsole(node, target, kind, options)
      expect(await wire.receive()).toEqual(refusal.close(code))
      await wire.expectEnd()
      await withDeadline(host.closed, CLOSE_MS, 'close at the target')
      expect(host.received).toEqual(X224_REQUEST)
      const closed = await eventually('its end', () =>
        node.logged('session.closed').find((line) => line.jti === jti),
      )
      expect(closed).toMatchObject({ reason: `${name}-limit` })

      await eventually('the token is worthless', async () => {
        const again = await openWire(kind, node)
        again.send(HANDSHAKE)
        expect(await again.receive()).toEqual(HANDSHAKE_RESPONSE)
        again.send(tunnelCreate(await node.mint(target.port, options.claims), capsFlags))
        const answer = await again.receive()
        again.out.socket.destroy()
        again.in.socket.destroy()
        return answer.equals(refusal.tunnel(ACCESS_DENIED))
      })
    },
  )

  test('75. DATA of the client puts the idle limit off, KEEPALIVE and the host do not', async () => {
    const { wire, host } = await openConsole(node, target, kind, { claims: { idl: 2 } })
    const limitMs = 2 * UNIT_MS
    const started = performance.now()
    for (let step = 0; step < 4; step += 1) {
      await wire.expectSilence(limitMs / 3)
      wire.send(data(Buffer.of(step)))
    }
    expect(performance.now() - started).toBeGreaterThan(limitMs)
    const chatter = setInterval(() => {
      wire.send(KEEPALIVE)
      host.socket.write('picture')
    }, limitMs / 5)
    const lastInput = performance.now()
    let answer = await wire.receive()
    while (answer.readUInt16LE(0) === 0x0a) answer = await wire.receive()
    clearInterval(chatter)
    expect(answer).toEqual(refusal.close(CONNECTION_ABORTED))
    expect(performance.now() - lastInput).toBeLessThan(5 * limitMs)
  })

  test('75. DATA of the client does not put the session limit off', async () => {
    const { wire } = await openConsole(node, target, kind, { claims: { max: 2 } })
    const typing = setInterval(() => wire.send(data(Buffer.of(1))), UNIT_MS / 5)
    expect(await wire.receive()).toEqual(refusal.close(CONNECTION_ABORTED))
    clearInterval(typing)
    await wire.expectEnd()
  })

  test('75. the idle limit is announced in minutes', async () => {
    const wire = await openWire(kind, node)
    await reach(wire, 'tunnel', { token: await node.mint(target.port, { idl: 5 }) })
    wire.send(TUNNEL_AUTH)
    expect(await wire.receive()).toEqual(
      hex('07000000 18000000 00000000 0300 0000 00000000 05000000'),
    )
    wire.out.socket.destroy()
    wire.in.socket.destroy()
  })
})
