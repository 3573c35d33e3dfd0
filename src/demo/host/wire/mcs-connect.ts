import { Reader } from '../../../protocol/index.ts'
import { encodeBer, readBer } from './asn1.ts'
import { type ClientData, decodeClientData, encodeServerData, type ServerData } from './gcc.ts'

/**
 * The MCS connect messages, T.125 section 7 part 2 and [MS-RDPBCGR] 2.2.1.3 and 2.2.1.4: BER around
 * the GCC data.
 */

const CONNECT_INITIAL = [0x7f, 0x65]
const CONNECT_RESPONSE = [0x7f, 0x66]
const BOOLEAN = [0x01]
const OCTET_STRING = [0x04]
const SEQUENCE = [0x30]

/** rt-successful, called connect id 0, and domain parameters 34,3,0,1,0,1,65528,2 as Windows answers. */
const RESPONSE_HEAD = Buffer.from(
  '0a0100' + '020100' + '301a020122020103020100020101020100020101020300fff8020102',
  'hex',
)

/**
 * @param payload of the X.224 data TPDU
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeConnectInitial(payload: Uint8Array): ClientData {
  const outer = new Reader('MCS_CONNECT_INITIAL', payload)
  const reader = new Reader('MCS_CONNECT_INITIAL', readBer(outer, 'body', CONNECT_INITIAL))
  if (outer.remaining > 0) {
    throw outer.malformed('end', `need nothing more, have ${outer.remaining} bytes`)
  }
  readBer(reader, 'callingDomainSelector', OCTET_STRING)
  readBer(reader, 'calledDomainSelector', OCTET_STRING)
  readBer(reader, 'upwardFlag', BOOLEAN)
  readBer(reader, 'targetParameters', SEQUENCE)
  readBer(reader, 'minimumParameters', SEQUENCE)
  readBer(reader, 'maximumParameters', SEQUENCE)
  return decodeClientData(readBer(reader, 'userData', OCTET_STRING))
}

export function encodeConnectResponse(data: ServerData): Buffer {
  const userData = encodeBer(OCTET_STRING, encodeServerData(data))
  return encodeBer(CONNECT_RESPONSE, Buffer.concat([RESPONSE_HEAD, userData]))
}
