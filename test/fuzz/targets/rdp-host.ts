import { MAX_FRAME_BYTES } from '../../../src/demo/host/limits.ts'
import { decodeConfirmActive } from '../../../src/demo/host/wire/capabilities.ts'
import { checkClientInfo } from '../../../src/demo/host/wire/client-info.ts'
import {
  decodeRefreshRect,
  decodeSuppressOutput,
} from '../../../src/demo/host/wire/display-requests.ts'
import { answerControl } from '../../../src/demo/host/wire/finalization.ts'
import { takeFrame } from '../../../src/demo/host/wire/frames.ts'
import { decodeFastPathInput, decodeSlowPathInput } from '../../../src/demo/host/wire/input.ts'
import { decodeDomainPdu } from '../../../src/demo/host/wire/mcs.ts'
import { decodeConnectInitial } from '../../../src/demo/host/wire/mcs-connect.ts'
import { decodeSharePdus } from '../../../src/demo/host/wire/share.ts'
import { ProtocolError } from '../../../src/lib/index.ts'
import type { FuzzTarget } from '../target.ts'

function decoder(name: string, covers: string[], decode: (bytes: Buffer) => unknown): FuzzTarget {
  return {
    kind: 'decoder',
    name,
    covers: covers.map((one) => `demo/host/wire/${one}`),
    mayThrow: [ProtocolError],
    maxBytes: MAX_FRAME_BYTES,
    decode,
  }
}

/** What the demo host reads of its clients. */
export const RDP_HOST_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'stream',
    name: 'rdp-frames',
    covers: ['demo/host/wire/frames.ts:takeFrame'],
    mayThrow: [ProtocolError],
    maxBytes: 40_000,
    start() {
      let pending: Buffer = Buffer.alloc(0)
      const frames: unknown[] = []
      return {
        push(piece) {
          pending = Buffer.concat([pending, piece])
          for (;;) {
            const taken = takeFrame(pending, MAX_FRAME_BYTES)
            if (taken === undefined) return
            pending = pending.subarray(taken.length)
            const { frame } = taken
            frames.push(Buffer.from(frame.kind === 'tpdu' ? frame.payload : frame.pdu))
          }
        },
        outcome: () => frames,
      }
    },
  },
  decoder(
    'connect-initial',
    [
      'mcs-connect.ts:decodeConnectInitial',
      'gcc.ts:decodeClientData',
      'asn1.ts:readBer',
      'asn1.ts:readBerLength',
      'asn1.ts:readPerLength',
    ],
    decodeConnectInitial,
  ),
  decoder('domain-pdu', ['mcs.ts:decodeDomainPdu'], (bytes) => {
    const pdu = decodeDomainPdu(bytes)
    return pdu.kind === 'data' ? { ...pdu, data: Buffer.from(pdu.data) } : pdu
  }),
  decoder('client-info', ['client-info.ts:checkClientInfo'], checkClientInfo),
  decoder('share-pdus', ['share.ts:decodeSharePdus'], (bytes) =>
    decodeSharePdus(bytes).map((pdu) => ({ ...pdu, body: Buffer.from(pdu.body) })),
  ),
  decoder('confirm-active', ['capabilities.ts:decodeConfirmActive'], decodeConfirmActive),
  decoder('control-action', [], (bytes) => answerControl(bytes, 1007)),
  decoder('fast-path-input', ['input.ts:decodeFastPathInput'], decodeFastPathInput),
  decoder('slow-path-input', ['input.ts:decodeSlowPathInput'], decodeSlowPathInput),
  decoder('refresh-rect', ['display-requests.ts:decodeRefreshRect'], decodeRefreshRect),
  decoder('suppress-output', ['display-requests.ts:decodeSuppressOutput'], decodeSuppressOutput),
]
