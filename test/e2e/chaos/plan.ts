import { encodeConnectionRequest } from '../../../src/protocol/index.ts'
import type { Accident, Trouble } from '../../helpers/middleman.ts'
import { createRandom, type Random } from '../../helpers/random.ts'

/** What happens to one session; follows from the seed and the session's number. */
export interface Plan {
  index: number
  transport: 'websocket' | 'http'
  /** From the client, back from the host, which echoes. The first bytes of it open the channel. */
  payload: Buffer
  client: Behaviour
  host: Behaviour
  /** Between client and node: the WebSocket, or OUT and then IN. */
  front: [Trouble, Trouble]
  /** Between node and host. */
  back: Trouble
  /** It must succeed: what happens only makes it slow. */
  harmless: boolean
}

/** Ends, after so many bytes have come, by FIN or RST; without `end` when all has come. */
export interface Behaviour {
  /** Reads nothing for a while once so many bytes have come. */
  pause?: { afterBytes: number; ms: number }
  end?: { afterBytes: number; by: 'end' | 'reset' }
}

/** Most of a session's bytes; enough to fill the sockets' buffers when somebody does not read. */
const MAX_PAYLOAD_BYTES = 300_000
/** More of them would measure the middleman. */
const MAX_PIECES = 1_000
/** Set-up is about 1.5 KB each way inside TLS: accidents are as likely there as in the data. */
const SETUP_BYTES = 4_000
const FIRST_BYTES = encodeConnectionRequest({
  negotiation: { flags: 0, requestedProtocols: 1 },
})

type Place = 'out' | 'in' | 'back' | 'client' | 'host' | 'nowhere'

export function planOf(seed: number, index: number): Plan {
  const random = createRandom(seed, `${index}`)
  const transport = random.pick(['websocket', 'http'])
  const rest = random.bytes(random.size(0, MAX_PAYLOAD_BYTES))
  const payload = Buffer.concat([FIRST_BYTES, rest])
  const place: Place = random.pick(['out', 'in', 'back', 'client', 'host', 'nowhere', 'nowhere'])
  const most = { front: SETUP_BYTES + payload.length, back: payload.length }
  const frontKinds = ['vanish', 'end', 'reset', 'flip'] as const
  const backKinds = ['vanish', 'end', 'reset'] as const
  const trouble = (at: Place, length: number, kinds: typeof frontKinds | typeof backKinds) => {
    if (place === at) return slow(random, length, accident(random, length, random.pick(kinds)))
    const stalls = random.chance(0.2)
    return slow(random, length, stalls ? accident(random, length, 'stall') : undefined)
  }
  return {
    index,
    transport,
    payload,
    client: behaviour(random, payload.length, place === 'client'),
    host: behaviour(random, payload.length, place === 'host'),
    front: [trouble('out', most.front, frontKinds), trouble('in', most.front, frontKinds)],
    back: trouble('back', most.back, backKinds),
    // A WebSocket has no IN.
    harmless: place === 'nowhere' || (place === 'in' && transport === 'websocket'),
  }
}

function accident(random: Random, length: number, kind: Accident['kind']): Accident {
  return {
    kind,
    way: random.pick(['up', 'down']),
    afterBytes: random.size(0, length),
    sides: random.pick([['near'], ['far'], ['near', 'far']]),
    stallMs: random.int(20, 600),
  }
}

/** Half of the connections travel in small pieces, and half of the others late, so that pieces merge. */
function slow(random: Random, length: number, befalls: Accident | undefined): Trouble {
  const small = random.chance(0.5)
  const least = Math.ceil(length / MAX_PIECES)
  return {
    maxPieceBytes: small ? random.size(least, Math.max(least, 4_000)) : 65_536,
    delayMs: small ? 0 : random.pick([0, 0, 1, 5, 20]),
    ...(befalls === undefined ? {} : { accident: befalls }),
  }
}

function behaviour(random: Random, length: number, ends: boolean): Behaviour {
  const afterBytes = random.size(0, length - 1)
  return {
    ...(random.chance(0.15) ? { pause: { afterBytes, ms: random.int(20, 600) } } : {}),
    ...(ends ? { end: { afterBytes, by: random.pick(['end', 'reset']) } } : {}),
  }
}

/** For the output: what a reader needs to see of a session that went wrong. */
export function describePlan({ payload, ...plan }: Plan): string {
  return JSON.stringify({ ...plan, payloadBytes: payload.length })
}
