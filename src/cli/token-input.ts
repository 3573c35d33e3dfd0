import { buffer } from 'node:stream/consumers'
import { BrokerError } from '../lib/index.ts'
import { parseRdpFile, type RdpFile } from '../rdpfile/index.ts'
import { readBytes } from './files.ts'

/** A token from the outside: alone, or in an `.rdp` file. */
export interface TokenInput {
  text: string
  /** The file that it was in. */
  file?: RdpFile
}

/**
 * Reads a file, or standard input for `-`.
 *
 * @param setting of an `.rdp` file that holds the token: `gatewayaccesstoken`
 * @throws BrokerError `ERR_USAGE`; `ERR_RDP_FILE` when an `.rdp` file lacks the setting
 */
export async function readToken(path: string, setting: string): Promise<TokenInput> {
  const bytes = await readInput(path)
  const text = Buffer.from(bytes).toString('utf8').trim()
  const isRdpFile = bytes.includes(0) || /^[^:\n]+:[isb]:/im.test(text)
  if (!isRdpFile) return { text }
  const file = parseRdpFile(bytes)
  const token = file.get(setting)
  if (token === undefined) throw new BrokerError('ERR_RDP_FILE', `${setting}: not in the file`)
  return { text: token, file }
}

/** @throws BrokerError `ERR_USAGE` for a token in place of a file: it is in the shell's history now, but not in our output */
async function readInput(path: string): Promise<Uint8Array> {
  if (path === '-') return buffer(process.stdin)
  const looksLikeToken = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(path) || path.includes('&Signature=')
  if (looksLikeToken && path.length > 200) {
    throw new BrokerError('ERR_USAGE', 'need a file, have a token: pass it on standard input')
  }
  return readBytes(path, 'token')
}
