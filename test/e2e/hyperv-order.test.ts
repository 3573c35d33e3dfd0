import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { FREERDP_PROGRAMS, startFreerdp } from '../helpers/freerdp.ts'
import { type HyperVHost, startHyperVHost } from '../helpers/hyperv-host.ts'
import { testWithPrograms } from '../helpers/programs.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const VM = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
/** First byte of CredSSP's TSRequest: a DER sequence. */
const SEQUENCE = 0x30

/**
 * A client with a file of ours, a node, and a stand-in for Hyper-V that wants the order of the real one: blob,
 * TLS, CredSSP, and no X.224 before it.
 */
describe('a console of Hyper-V', () => {
  let host: HyperVHost
  let farm: FarmRun
  let display: Display
  let scratch: string

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-hyperv-'))
    host = await startHyperVHost([VM])
    display = await startDisplay()
    farm = await startFarm(['gw1'], { allow: [{ cidr: '127.0.0.1/32', ports: [host.port] }] })
    await farm.api('PUT', '/v1/vms/many', { name: 'x', tenant: 'acme', host: 'hv1', guid: VM })
  })
  afterAll(async () => {
    await farm?.stop()
    await display?.stop()
    host?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const mode of ['basic', 'enhanced'] as const) {
      testWithPrograms(
        [program, 'Xvfb'],
        `${program} in ${mode} mode sends the blob, TLS behind it, and CredSSP in that`,
        async () => {
          const file = await openFile(mode, `${program}-${mode}.rdp`)
          const before = host.connections.length
          const client = await startFreerdp({ program, display, args: [file], security: 'nla' })
          try {
            await eventually(
              'CredSSP begins',
              async () => host.connections[before]?.firstInside !== undefined,
              { timeoutMs: 60_000, context: client.output },
            )
          } finally {
            await client.stop()
          }
          const text = mode === 'basic' ? VM : `${VM};EnhancedMode=1`
          const seen = host.connections[before]
          expect(seen).toMatchObject({ text, tls: true, firstInside: SEQUENCE })
          expect(seen?.blob).toBe(blobOf(text, program === 'xfreerdp' ? 2 : 1))
        },
      )
    }
  }

  async function openFile(mode: 'basic' | 'enhanced', name: string): Promise<string> {
    const { port } = host
    const body = { kind: 'hyperv', address: '127.0.0.1', port, console: { allow: true, mode } }
    await farm.api('PUT', '/v1/hosts/hv2', body)
    await farm.api('PUT', '/v1/vms/many', { name: 'x', tenant: 'acme', host: 'hv2', guid: VM })
    const answer = await farm.api('POST', '/v1/consoles', { vm: 'many' })
    expect(answer.status).toBe(201)
    const { rdp } = JSON.parse(answer.body.toString('utf8'))
    const path = join(scratch, name)
    await writeFile(path, Buffer.from(rdp, 'base64'))
    return path
  }
})

/** RDP_PRECONNECTION_PDU_V2, [MS-RDPEPS] 2.2.1.2. @param terminators that the client counts */
function blobOf(text: string, terminators: number): string {
  const characters = Buffer.from(text + '\0'.repeat(terminators), 'utf16le')
  const header = Buffer.alloc(18)
  header.writeUInt32LE(header.length + characters.length, 0)
  header.writeUInt32LE(2, 8)
  header.writeUInt16LE(characters.length / 2, 16)
  return Buffer.concat([header, characters]).toString('hex')
}
