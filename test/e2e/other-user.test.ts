import { chown, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { readCertificate } from '../../src/certs/index.ts'
import { loadGatewayConfig } from '../../src/config/index.ts'
import { fetchConsoleFile } from '../helpers/api.ts'
import { withSetting } from '../helpers/broken-tokens.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import { freePort } from '../helpers/ports.ts'
import { runProgram, START_MS, startProgram } from '../helpers/programs.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** `nobody` on Debian. */
const NOBODY = 65_534

let demo: DemoRun
let home: string

beforeAll(async () => {
  demo = await startDemoRun()
  home = await mkdtemp(join(tmpdir(), 'portcullis-nobody-'))
  await chown(home, NOBODY, NOBODY)
})

afterAll(async () => {
  await demo?.stop()
  await rm(home, { recursive: true, force: true })
})

// It may take a copy of all packages.
test('a node serves as a user who cannot read the key of the issuer', {
  timeout: 300_000,
}, async () => {
  const issuerKey = join(demo.dataDirectory, 'certs', 'broker', 'issuer.key')
  await expect(asNobody('cat', [issuerKey])).rejects.toThrow('Permission denied')

  const port = await freePort()
  const config = await ownConfig(port)
  const entry = join(await readableCopy(), 'src', 'main.mjs')
  const node = startProgram(process.execPath, [entry, 'gateway', '--config', config], {
    uid: NOBODY,
    cwd: home,
  })
  try {
    await eventually('the node listens', () => node.output().includes('listens on'), {
      ...{ timeoutMs: START_MS, context: node.output },
    })
    expect((await stat(`/proc/${node.pid}`)).uid).toBe(NOBODY)
    // A console of the running demo, through this node instead of its own.
    const file = join(home, 'console.rdp')
    const rdp = await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? '')
    await writeFile(file, withSetting(rdp, 'gatewayhostname', `localhost:${port}`))
    const probe = await runProgram(process.execPath, [
      join(ROOT, 'src', 'main.mjs'),
      ...['probe', file, '--ca', demo.ready.caFile],
    ])
    expect(probe).toMatch(/answers: RDP/)
  } finally {
    await node.stop()
  }
})

/**
 * A node of its own with files that are this user's: TLS pair and the issuer's public certificate. It has
 * no control channel, since its certificate would be another node's.
 */
async function ownConfig(port: number): Promise<string> {
  const { tls, farm, targets } = loadGatewayConfig(join(demo.dataDirectory, 'config', 'gw1.yaml'))
  const issuer = join(dirname(demo.ready.caFile), 'issuer.crt')
  const { sha256Thumbprint } = readCertificate(await readFile(issuer, 'utf8'))
  return ownFile('gateway.yaml', async (path) =>
    writeFile(
      path,
      stringify({
        node: 'other',
        farm,
        listeners: [{ address: `127.0.0.1:${port}` }],
        tls: {
          certificateFile: await ownFile('tls.crt', (to) => cp(tls.certificateFile, to)),
          privateKeyFile: await ownFile('tls.key', (to) => cp(tls.privateKeyFile, to)),
        },
        trust: [
          {
            certificateFile: await ownFile('issuer.crt', (to) => cp(issuer, to)),
            thumbprint: sha256Thumbprint,
          },
        ],
        targets,
        development: true,
      }),
    ),
  )
}

async function ownFile(name: string, write: (path: string) => Promise<void>): Promise<string> {
  const path = join(home, name)
  await write(path)
  await chown(path, NOBODY, NOBODY)
  return path
}

/** This checkout, or a copy where its own place is closed to others. */
async function readableCopy(): Promise<string> {
  const readable = await asNobody('test', ['-r', join(ROOT, 'src', 'main.mjs')]).then(
    () => true,
    () => false,
  )
  if (readable) return ROOT
  const copy = join(home, 'product')
  await mkdir(copy)
  for (const name of ['package.json', 'src', 'node_modules']) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true, verbatimSymlinks: true })
  }
  await runProgram('chown', ['-R', String(NOBODY), dirname(join(copy, 'src'))])
  return copy
}

function asNobody(program: string, args: string[]): Promise<string> {
  return runProgram(program, args, { uid: NOBODY, cwd: '/' })
}
