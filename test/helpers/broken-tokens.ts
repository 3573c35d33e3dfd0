import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/certs/index.ts'
import type { Secret } from '../../src/lib/index.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { createIssuer, type GatewayClaims, inspectToken } from '../../src/tokens/index.ts'

/** The gateway token inside an `.rdp` file. */
export function tokenOf(rdp: Uint8Array): string {
  const token = parseRdpFile(rdp).get('gatewayaccesstoken')
  if (token === undefined) throw new Error('the file has no gatewayaccesstoken')
  return token
}

/** The same file with one setting's value replaced, byte order mark and all. */
export function withSetting(rdp: Uint8Array, name: string, value: string): Buffer {
  const text = Buffer.from(rdp).toString('utf16le')
  const line = new RegExp(`^(\\uFEFF?${name}:[is]:).*$`, 'im')
  if (!line.test(text)) throw new Error(`the file has no ${name}`)
  return Buffer.from(
    text.replace(line, (_, head: string) => `${head}${value}`),
    'utf16le',
  )
}

/** The claims of a file's token, changed, and signed again by the demo's own issuer. */
export async function signAgain(
  rdp: Uint8Array,
  certsDirectory: string,
  change: Partial<GatewayClaims>,
): Promise<string> {
  const pair = {
    certificatePem: readFileSync(join(certsDirectory, 'public', 'issuer.crt'), 'utf8'),
    privateKeyPem: readFileSync(join(certsDirectory, 'broker', 'issuer.key'), 'utf8'),
  }
  return (await sign(pair, rdp, change)).reveal()
}

/** The same claims, signed by an issuer that nobody trusts. */
export async function signByStranger(rdp: Uint8Array): Promise<string> {
  const common = { organization: 'Stranger', notBefore: new Date(Date.now() - 60_000), days: 1 }
  const authority = await createAuthority({ ...common, commonName: 'stranger authority' })
  const pair = await issueCertificate({
    ...common,
    authority,
    role: 'issuer',
    commonName: 'stranger issuer',
  })
  return (await sign(pair, rdp, {})).reveal()
}

/** One character of the signature changed for another that is as valid. */
export function tamper(token: string): string {
  const at = token.lastIndexOf('.') + 10
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

async function sign(
  pair: KeyPair,
  rdp: Uint8Array,
  change: Partial<GatewayClaims>,
): Promise<Secret> {
  const issuer = await createIssuer(pair)
  // A token of our own broker: its claims are these.
  const claims = inspectToken(tokenOf(rdp)).claims as unknown as GatewayClaims
  return issuer.sign({ ...claims, ...change })
}
