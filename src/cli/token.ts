import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { BrokerError, parseEndpoint, systemClock } from '../lib/index.ts'
import { parseRdpFile, type RdpFile } from '../rdpfile/index.ts'
import { type InspectedToken, inspectToken } from '../tokens/index.ts'
import { readBytes } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'

export function register(program: Command): void {
  const token = program.command('token').description('console tokens')
  token
    .command('inspect')
    .description('shows what a gateway token says; checks its form, neither signature nor trust')
    .argument('[file]', 'token or .rdp file, - for standard input', '-')
    .option('--json', 'header, claims and issues as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis token inspect console.rdp\n  portcullis token inspect < token.txt',
    )
    .action(inspect)
}

async function inspect(path: string, { json }: { json?: boolean }): Promise<void> {
  const found = findToken(await readInput(path))
  const inspected = inspectToken(found.token)
  const issues = [...inspected.issues, ...compareWithFile(inspected, found.file)]
  if (json) printJson({ ...inspected, issues })
  else printInspected(inspected, systemClock.now())
  if (!json) say('Not verified: neither signature, issuer nor times were checked.')
  for (const issue of issues) say(`portcullis: token-malformed: ${issue}`)
  if (issues.length > 0) process.exitCode = ExitCode.refused
}

/** @throws BrokerError `ERR_USAGE` for a token in place of a file: it is in the shell's history now, but not in our output */
async function readInput(path: string): Promise<Uint8Array> {
  if (path === '-') return buffer(process.stdin)
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(path) && path.length > 200) {
    throw new BrokerError('ERR_USAGE', 'need a file, have a token: pass it on standard input')
  }
  return readBytes(path, 'token')
}

/** A token alone, or the one in an `.rdp` file. */
function findToken(bytes: Uint8Array): { token: string; file?: RdpFile } {
  const text = Buffer.from(bytes).toString('utf8').trim()
  const isRdpFile = bytes.includes(0) || /^[^:\n]+:[isb]:/im.test(text)
  if (!isRdpFile) return { token: text }
  const file = parseRdpFile(bytes)
  const token = file.get('gatewayaccesstoken')
  if (token === undefined)
    throw new BrokerError('ERR_RDP_FILE', 'gatewayaccesstoken: not in the file')
  return { token, file }
}

/** A node admits only the target that the token names. */
function compareWithFile({ claims }: InspectedToken, file: RdpFile | undefined): string[] {
  const address = file?.get('full address')
  const dst = textOf(claims, 'dst')
  if (address === undefined || dst === undefined) return []
  const port = Number(file?.get('server port') ?? 3389)
  const [fromFile, fromToken] = [parseEndpoint(address, port), parseEndpoint(dst)]
  const same = fromFile?.host === fromToken?.host && fromFile?.port === fromToken?.port
  return same ? [] : [`full address: file names ${address}, token ${dst}`]
}

function printInspected({ header, claims }: InspectedToken, nowMs: number): void {
  for (const [title, part] of Object.entries({ header, claims })) {
    if (typeof part !== 'object' || part === null) continue
    print(title)
    for (const [name, value] of Object.entries(part)) {
      print(`  ${name.padEnd(10)}${JSON.stringify(value)}${note(name, value, nowMs)}`)
    }
  }
}

/** Times in words. */
function note(name: string, value: unknown, nowMs: number): string {
  if (!['iat', 'nbf', 'exp'].includes(name) || typeof value !== 'number') return ''
  const date = new Date(value * 1000)
  if (Number.isNaN(date.getTime())) return ''
  const seconds = Math.round(value - nowMs / 1000)
  const distance = seconds < 0 ? `${-seconds} s ago` : `in ${seconds} s`
  return `  ${date.toISOString()}, ${distance}`
}

function textOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const found: unknown = Reflect.get(value, name)
  return typeof found === 'string' ? found : undefined
}
