import { BrokerError } from '../lib/index.ts'
import { faultOf, type RdpSetting, type SettingType } from './render.ts'

/** Far over any file that clients write (a few KiB, with signature and tokens under 20). */
export const MAX_FILE_BYTES = 256 * 1024
export const MAX_SETTINGS = 1000

export interface RdpFile {
  /** In the order of the file, names as written. */
  readonly settings: readonly RdpSetting[]
  /** The value of a setting, whatever the case of its name; undefined when it is not in the file. */
  get(name: string): string | undefined
}

/**
 * Reads UTF-16LE with byte order mark and UTF-8 with or without one, CR LF or LF. UTF-16 without the
 * mark is refused, as FreeRDP does.
 *
 * @throws BrokerError `ERR_RDP_FILE` naming line and setting, never the value: encoding, a line that is
 *   no `name:type:value`, a value its type can't have, a setting that is there twice (clients differ in
 *   which one counts)
 */
export function parseRdpFile(bytes: Uint8Array): RdpFile {
  const settings: RdpSetting[] = []
  const values = new Map<string, string>()
  for (const [index, line] of decodeText(bytes).split('\n').entries()) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    if (text.trim() === '') continue
    const setting = parseLine(text, index + 1)
    const key = setting.name.toLowerCase()
    if (values.has(key)) throw unusable(`line ${index + 1}: ${key} is there twice`)
    if (settings.length >= MAX_SETTINGS) throw unusable(`settings: may have ${MAX_SETTINGS}`)
    values.set(key, setting.value)
    settings.push(setting)
  }
  return { settings, get: (name) => values.get(name.toLowerCase()) }
}

/** @throws BrokerError `ERR_RDP_FILE` naming line and setting */
export function parseLine(text: string, number: number): RdpSetting {
  const match = /^([^:]*):([isb]):(.*)$/isu.exec(text)
  if (match === null) throw unusable(`line ${number}: need name:type:value`)
  const [, name = '', typeText = '', value = ''] = match
  // The expression lets these three through only.
  const type = typeText.toLowerCase() as SettingType
  const setting = { name: name.trim(), type, value }
  const fault = faultOf(setting)
  if (fault !== undefined) throw unusable(`line ${number}: ${fault}`)
  return setting
}

/** @throws BrokerError `ERR_RDP_FILE` for an encoding that clients refuse, and for more than 256 KiB */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > MAX_FILE_BYTES) {
    throw unusable(`file: ${bytes.length} bytes, may have ${MAX_FILE_BYTES}`)
  }
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe
  if (!isUtf16 && bytes.includes(0)) {
    throw unusable('file: neither UTF-8 nor UTF-16LE with a byte order mark')
  }
  try {
    return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new BrokerError('ERR_RDP_FILE', `file: broken ${isUtf16 ? 'UTF-16LE' : 'UTF-8'}`, {
      cause: error,
    })
  }
}

function unusable(message: string): BrokerError {
  return new BrokerError('ERR_RDP_FILE', message)
}
