import { BrokerError } from '../lib/index.ts'

/** `i` a decimal number, `s` text, `b` bytes in hex. */
export type SettingType = 'i' | 's' | 'b'

/** One line, `name:type:value`. */
export interface RdpSetting {
  name: string
  type: SettingType
  value: string
}

const VALUE_OF: Record<SettingType, RegExp> = {
  i: /^-?\d{1,10}$/,
  // A line break would start a setting of somebody else's choice; no other control character belongs in one.
  s: /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u,
  b: /^([0-9a-fA-F]{2})*$/,
}

/**
 * UTF-16LE with byte order mark and CR LF, as mstsc itself writes files.
 *
 * @throws BrokerError `ERR_RDP_FILE` naming the setting; never with its value, which may be a token
 */
export function renderRdpFile(settings: readonly RdpSetting[]): Uint8Array {
  for (const setting of settings) {
    const fault = faultOf(setting)
    if (fault !== undefined) throw new BrokerError('ERR_RDP_FILE', fault)
  }
  const lines = settings.map(({ name, type, value }) => `${name}:${type}:${value}\r\n`)
  return Buffer.from(`\ufeff${lines.join('')}`, 'utf16le')
}

/** What is wrong with a setting, without its value; undefined when nothing is. */
export function faultOf({ name, type, value }: RdpSetting): string | undefined {
  if (!/^[a-z0-9+/ -]{1,64}$/i.test(name) || name !== name.trim()) {
    return 'name: need letters, digits and single characters between them'
  }
  if (VALUE_OF[type].test(value)) return undefined
  if (type === 's') return `${name}: holds a control character`
  return `${name}: need ${type === 'i' ? 'a decimal number' : 'hex digits in pairs'}`
}
