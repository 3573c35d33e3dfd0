import { BrokerError, ProtocolError } from '../../lib/index.ts'
import type { ClientPdu, ClientPdus } from './client-pdus.ts'
import type { Link } from './link.ts'
import {
  type ClientCapabilities,
  type DesktopFormat,
  decodeConfirmActive,
  encodeDemandActive,
} from './wire/capabilities.ts'
import { answerControl, encodeFontMap, encodeSynchronize } from './wire/finalization.ts'
import { DataType } from './wire/share.ts'

/**
 * Capability exchange and finalization, [MS-RDPBCGR] 1.3.1.1: ends with the Font Map, after which the
 * client may type and the host may draw.
 *
 * @throws ProtocolError for anything out of order; BrokerError `ERR_CLOSED`
 */
export async function activate(
  link: Link,
  pdus: ClientPdus,
  { desktop, user }: { desktop: DesktopFormat; user: number },
): Promise<ClientCapabilities> {
  link.sendIo(encodeDemandActive(desktop))
  const confirm = await receive(pdus)
  if (confirm.kind !== 'confirmActive') throw unexpected(confirm)
  const capabilities = decodeConfirmActive(confirm.body)
  for (;;) {
    const pdu = await receive(pdus)
    if (pdu.kind !== 'data') throw unexpected(pdu)
    if (pdu.type === DataType.fontList) break
    const answer = answerFinalization(pdu.type, pdu.body, user)
    if (answer !== undefined) link.sendIo(answer)
  }
  link.sendIo(encodeFontMap())
  return capabilities
}

function answerFinalization(type: number, body: Uint8Array, user: number): Buffer | undefined {
  if (type === DataType.synchronize) return encodeSynchronize(user)
  if (type === DataType.control) return answerControl(body, user)
  return undefined
}

async function receive(pdus: ClientPdus): Promise<ClientPdu> {
  const { value: pdu } = await pdus.next()
  if (pdu !== undefined) return pdu
  throw new BrokerError('ERR_CLOSED', 'connection: closed by the client during set-up')
}

function unexpected({ kind }: ClientPdu): ProtocolError {
  return new ProtocolError('ERR_PACKET_UNEXPECTED', 'SHARE_CONTROL', kind, 'during activation')
}
