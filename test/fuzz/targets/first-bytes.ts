import { nameOf, readHostAnswer } from '../../../src/gateway/probe/host-answer.ts'
import { FirstBytes } from '../../../src/gateway/relay/first-bytes.ts'
import { firstBytesRule } from '../../../src/gateway/relay/first-bytes-rule.ts'
import { decodeOpening } from '../../../src/host-agent/opening.ts'
import { parseDisplay } from '../../../src/host-agent/virsh.ts'
import { ProtocolError, Refusal, Secret } from '../../../src/lib/index.ts'
import {
  classifyFirstBytes,
  decodeConnectionConfirm,
  decodeConnectionRequest,
  decodeDataTpdu,
  decodePreconnectionBlob,
  encodeConnectionConfirm,
  encodeDataTpdu,
} from '../../../src/protocol/index.ts'
import { parsePreconnectionText } from '../../../src/tokens/index.ts'
import { type FuzzTarget, gathering, type StreamRun } from '../target.ts'

const VM = '5f0fd5ae-5e1b-4c9e-9a4e-0f35f6b7a1c2'
const KINDS = ['rdp', 'hyperv', 'agent'] as const

/** What reaches the host: nothing, or everything from the first byte on. */
function firstBytes(knd: (typeof KINDS)[number]): () => StreamRun {
  return () => {
    const held = new FirstBytes(firstBytesRule({ knd, vmg: VM }))
    const forwarded: Buffer[] = []
    return {
      push(piece) {
        const bytes = held.push(piece)
        if (bytes !== undefined) forwarded.push(Buffer.from(bytes))
      },
      outcome: () => ({ proven: held.proven, forwarded: Buffer.concat(forwarded) }),
    }
  }
}

export const FIRST_BYTES_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'stream',
    name: 'first-bytes-kind',
    covers: ['protocol/first-bytes.ts:classifyFirstBytes'],
    mayThrow: [ProtocolError],
    start: gathering(classifyFirstBytes),
  },
  ...KINDS.map(
    (knd): FuzzTarget => ({
      kind: 'stream',
      name: `first-bytes-${knd}`,
      covers: [],
      mayThrow: [Refusal],
      start: firstBytes(knd),
    }),
  ),
  {
    kind: 'stream',
    name: 'agent-opening',
    covers: ['host-agent/opening.ts:decodeOpening'],
    mayThrow: [ProtocolError],
    start: gathering((bytes) => {
      const opening = decodeOpening(bytes)
      // How much comes behind it depends on how it comes.
      return opening && { source: opening.source, text: opening.text.reveal() }
    }),
  },
  {
    kind: 'decoder',
    name: 'virsh-display',
    covers: ['host-agent/virsh.ts:parseDisplay'],
    mayThrow: [],
    dictionary: ['rdp://', ':', '[', ']', '\n'],
    decode: (bytes) => parseDisplay(bytes.toString('latin1')),
  },
  {
    kind: 'stream',
    name: 'preconnection-blob',
    covers: ['protocol/preconnection.ts:decodePreconnectionBlob'],
    mayThrow: [ProtocolError],
    start: gathering(decodePreconnectionBlob),
  },
  {
    kind: 'decoder',
    name: 'preconnection-text',
    covers: ['tokens/preconnection-text.ts:parsePreconnectionText'],
    mayThrow: [Refusal],
    decode(bytes) {
      const { vmGuid, hostToken } = parsePreconnectionText(new Secret(bytes.toString('latin1')))
      return { vmGuid, hostToken: hostToken.reveal() }
    },
  },
  {
    kind: 'decoder',
    name: 'connection-request',
    covers: ['protocol/x224.ts:decodeConnectionRequest', 'protocol/x224.ts:tpktLength'],
    mayThrow: [ProtocolError],
    decode: decodeConnectionRequest,
  },
  {
    kind: 'decoder',
    name: 'connection-confirm',
    covers: ['protocol/x224.ts:decodeConnectionConfirm'],
    mayThrow: [ProtocolError],
    decode: decodeConnectionConfirm,
    // It is given back what `decode` gave.
    encode: (value) => encodeConnectionConfirm(value as ReturnType<typeof decodeConnectionConfirm>),
  },
  {
    kind: 'decoder',
    name: 'host-answer',
    covers: ['gateway/probe/host-answer.ts:readHostAnswer'],
    // What a host says is a finding, whatever it is.
    mayThrow: [],
    decode: (bytes) => [readHostAnswer(bytes), readHostAnswer(bytes, true), nameOf(bytes)],
  },
  {
    kind: 'decoder',
    name: 'data-tpdu',
    covers: ['protocol/x224.ts:decodeDataTpdu'],
    mayThrow: [ProtocolError],
    decode: (packet) => Buffer.from(decodeDataTpdu(packet)),
    // It is given back what `decode` gave.
    encode: (value) => encodeDataTpdu(value as Buffer),
  },
]
