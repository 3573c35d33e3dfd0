import { BrokerError } from '../lib/index.ts'
import { parseRdpFile } from './parse.ts'
import type { Publisher } from './publisher.ts'
import { type RdpSetting, renderRdpFile } from './render.ts'
import { SIGNABLE_SETTINGS, SIGNATURE, SIGNSCOPE, signedMessage } from './scope.ts'
import { encodeSignature } from './signature.ts'

/**
 * Signs a file as rdpsign.exe does. A signature that it has already is replaced.
 *
 * @returns the file with `alternate full address`, `signscope` and `signature`
 * @throws BrokerError `ERR_RDP_FILE` for what is no file, or has no `full address`
 * @throws what the publisher's key throws: a file is signed or there is none
 */
export async function signRdpFile(bytes: Uint8Array, publisher: Publisher): Promise<Uint8Array> {
  const settings = withAlternateAddress(
    parseRdpFile(bytes).settings.filter(({ name }) => !isPartOfSignature(name)),
  )
  const byName = new Map(settings.map((setting) => [setting.name.toLowerCase(), setting]))
  const covered = SIGNABLE_SETTINGS.flatMap((name) => {
    const setting = byName.get(name.toLowerCase())
    return setting === undefined ? [] : [{ name, setting }]
  })
  const scope = covered.map(({ name }) => name).join(',')
  const message = signedMessage(
    scope,
    covered.map(({ setting }) => setting),
  )
  const cms = await publisher.sign(message)
  return renderRdpFile([
    ...settings,
    { name: SIGNSCOPE, type: 's', value: scope },
    { name: SIGNATURE, type: 's', value: encodeSignature(cms) },
  ])
}

/** A file without one could be given one afterwards, and clients would go there: it would not be covered. */
function withAlternateAddress(settings: RdpSetting[]): RdpSetting[] {
  const nameIs = (wanted: string) => (setting: RdpSetting) => setting.name.toLowerCase() === wanted
  const at = settings.findIndex(nameIs('full address'))
  const address = settings[at]
  if (address === undefined) {
    throw new BrokerError('ERR_RDP_FILE', 'full address: missing, nothing to sign')
  }
  if (settings.some(nameIs('alternate full address'))) return settings
  return settings.toSpliced(at + 1, 0, { ...address, name: 'alternate full address' })
}

function isPartOfSignature(name: string): boolean {
  return [SIGNSCOPE, SIGNATURE].includes(name.toLowerCase())
}
