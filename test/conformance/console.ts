import type { GatewayClaims } from '../../src/tokens/index.ts'
import type { TestNode } from '../gateway/support/test-node.ts'
import type { ScriptedTarget, TargetConnection } from '../helpers/scripted-target.ts'
import { packet, reach, u16, X224_REQUEST } from './client.ts'
import { openWire, type Wire, type WireKind } from './wire.ts'

/** A tunnel with its channel open: both ends of it. */
export interface Console {
  wire: Wire
  host: TargetConnection
}

export interface ChannelOptions {
  /** Of the token, where they differ from the usual. */
  claims?: Partial<GatewayClaims>
  /** What the client offers, [MS-TSGU] 2.2.5.3.9; FreeRDP's when absent. */
  capsFlags?: number
}

/** Goes to CHANNEL_RESPONSE; no byte has been sent to the host. */
export async function openChannel(
  node: TestNode,
  target: ScriptedTarget,
  kind: WireKind = 'websocket',
  { claims = {}, ...offer }: ChannelOptions = {},
): Promise<Console> {
  const wire = await openWire(kind, node)
  const { port } = target
  await reach(wire, 'channel', { token: await node.mint(port, claims), port, ...offer })
  return { wire, host: await target.next() }
}

/** Goes on until the host has the first bytes of RDP, from where on everything passes. */
export async function openConsole(
  node: TestNode,
  target: ScriptedTarget,
  kind: WireKind = 'websocket',
  options: ChannelOptions = {},
): Promise<Console> {
  const console = await openChannel(node, target, kind, options)
  console.wire.send(data(X224_REQUEST))
  await console.host.receive(X224_REQUEST.length)
  return console
}

/** DATA, [MS-TSGU] 2.2.10.6; `cbDataLen` may lie. */
export function data(payload: Uint8Array, cbDataLen = payload.length): Buffer {
  return packet(0x0a, u16(cbDataLen), payload)
}
