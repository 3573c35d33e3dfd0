import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A configuration file in a directory of its own, gone when the test is. */
export function writeConfig(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'config.yaml')
  writeFileSync(path, text)
  return path
}

export const BROKER = `
farm: { name: demo, address: 'gateway.example:443' }
listen: 0.0.0.0:8443
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
issuer: { certificateFile: keys/issuer.crt, privateKeyFile: /etc/portcullis/issuer.key }
store: { file: portcullis.sqlite }
`

export const GATEWAY = `
node: gw1
farm: { name: demo }
listeners: [{ address: '[::]:443' }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
trust:
  - certificateFile: issuer.crt
    thumbprint: '0123456789ABCDEF0123456789ABCDEF01234567'
    notAfter: 2027-01-31
targets:
  allow: [{ cidr: 10.20.0.0/16, ports: [3389] }]
`

export const FARM = `
name: north
address: gateway.example:443
mode: passthrough
listen: 192.0.2.10:443
nodes: [{ name: gw1, address: 192.0.2.21:443 }]
caFile: ca.crt
`
