import { createAuthority, issueCertificate, type KeyPair } from '../../src/certs/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { createPublisher, type Publisher, renderConsoleFile } from '../../src/rdpfile/index.ts'

export const NOW_MS = Date.UTC(2030, 0, 1, 12)

export interface Signing {
  authority: KeyPair
  pair: KeyPair
  publisher: Publisher
}

/** A publisher that an authority stands behind, both valid for 30 days from a minute ago. */
export async function createSigning(nowMs = NOW_MS): Promise<Signing> {
  const common = { organization: 'Test', notBefore: new Date(nowMs - 60_000), days: 30 }
  const authority = await createAuthority({ ...common, commonName: 'Test CA' })
  const pair = await issueCertificate({
    ...common,
    authority,
    role: 'publisher',
    key: 'rsa-2048',
    commonName: 'Test publisher',
  })
  return { authority, pair, publisher: createPublisher(pair) }
}

/** As the broker renders it. */
export function unsignedFile(): Uint8Array {
  return renderConsoleFile({
    kind: 'rdp',
    host: '192.0.2.10',
    port: 3389,
    gatewayAddress: 'gw.example:9443',
    gatewayToken: new Secret('aaa.bbb.ccc'),
  })
}

/** The file's text, without the byte order mark. */
export function textOf(file: Uint8Array): string {
  return new TextDecoder('utf-16le').decode(file)
}

export function fileOf(text: string): Uint8Array {
  return Buffer.from(`\ufeff${text}`, 'utf16le')
}
