import { ProtocolError, Refusal, Secret } from '../../lib/index.ts'
import { classifyFirstBytes, decodePreconnectionBlob } from '../../protocol/index.ts'
import { type AnyVerifiedToken, parsePreconnectionText } from '../../tokens/index.ts'

/**
 * Whether a client's bytes, from the first one on, prove what its token is for; false while more are needed.
 *
 * @throws Refusal as soon as they never will
 */
export type FirstBytesRule = (bytes: Uint8Array) => boolean

type Claims = Pick<AnyVerifiedToken['claims'], 'knd' | 'vmg'>

/** Bytes before the text of a blob of version 2, [MS-RDPEPS] 2.2.1.2. */
const BLOB_HEADER_BYTES = 18
/** FreeRDP 2 counts two, mstsc and FreeRDP 3 one; Hyper-V needs none, [MS-RDPEPS] note 2. */
const MAX_TERMINATORS = 2

const HYPERV_TEXT = /^([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?:;EnhancedMode=1)?$/

/**
 * What the node insists on, by host kind (DESIGN 6). CHANNEL_CREATE names no more than a host, so for
 * hosts of many VMs the preconnection blob is where a client says which: it has to be the token's.
 *
 * @throws Refusal `policy-denied` for a kind that is not served through a tunnel
 */
export function firstBytesRule({ knd, vmg }: Claims): FirstBytesRule {
  switch (knd) {
    case 'rdp':
      return isConnectionRequest
    case 'hyperv':
      return namesVm(vmg, guidForHyperV)
    case 'agent':
      return namesVm(vmg, guidForAgent)
    case 'vnc':
      throw new Refusal('policy-denied', 'knd: vnc is not served by this node')
  }
}

/**
 * A blob would choose a VM that the token does not name, and anything else would use the tunnel for
 * something that is no console.
 */
function isConnectionRequest(bytes: Uint8Array): boolean {
  const kind = classifyFirstBytes(bytes)
  if (kind === undefined) return false
  if (kind === 'x224') return true
  if (kind === 'preconnection') throw mismatch('a preconnection blob, and the token names none')
  throw new Refusal('protocol-error', `first bytes: need an X.224 request, have ${kind}`)
}

/** @param vmg undefined when the token names no VM: then any one will do, and the host decides */
function namesVm(
  vmg: string | undefined,
  guidIn: (text: string) => string | undefined,
): FirstBytesRule {
  return (bytes) => {
    const text = blobText(bytes)
    if (text === undefined) return false
    const guid = guidIn(text)?.toLowerCase()
    if (guid === undefined) throw mismatch('the text of the preconnection blob has another form')
    if (vmg === undefined || vmg.toLowerCase() === guid) return true
    throw mismatch(`the preconnection blob names VM ${guid}, need ${vmg}`)
  }
}

/** @returns undefined while the blob is not whole */
function blobText(bytes: Uint8Array): string | undefined {
  const decoded = decodeBlob(bytes)
  if (decoded === undefined) return undefined
  const { blob, length } = decoded
  if (blob.text === undefined) throw mismatch('a preconnection blob of version 1, need 2')
  // Hyper-V skips what lies behind the text; another host might read it.
  const terminators = (length - BLOB_HEADER_BYTES) / 2 - blob.text.length
  if (terminators <= MAX_TERMINATORS) return blob.text
  throw mismatch(`the preconnection blob has ${length} bytes, too many for its text`)
}

function decodeBlob(bytes: Uint8Array): ReturnType<typeof decodePreconnectionBlob> {
  try {
    return decodePreconnectionBlob(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) throw mismatch(error.message, error)
    throw error
  }
}

function guidForHyperV(text: string): string | undefined {
  return HYPERV_TEXT.exec(text)?.[1]
}

/** The token in it is for the host to verify: here it only has to look like one. */
function guidForAgent(text: string): string | undefined {
  try {
    return parsePreconnectionText(new Secret(text)).vmGuid
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

function mismatch(detail: string, cause?: unknown): Refusal {
  return new Refusal('vm-mismatch', `first bytes: ${detail}`, { cause })
}
