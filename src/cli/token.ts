import type { Command } from 'commander'
import { parseEndpoint, systemClock } from '../lib/index.ts'
import type { RdpFile } from '../rdpfile/index.ts'
import { type InspectedToken, inspectToken } from '../tokens/index.ts'
import { ExitCode, print, printJson, say } from './output.ts'
import { readToken } from './token-input.ts'
import { registerMint } from './token-mint.ts'
import { registerRevocations } from './token-revocations.ts'
import { registerRevoke } from './token-revoke.ts'
import { registerVerify } from './token-verify.ts'

export function register(program: Command): void {
  const token = program.command('token').description('console tokens')
  token
    .command('inspect')
    .description('shows what a token says; checks its form, neither signature nor trust')
    .argument('[file]', 'token or .rdp file, - for standard input', '-')
    .option('--json', 'header, claims and issues as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis token inspect console.rdp\n  portcullis token inspect < token.txt',
    )
    .action(inspect)
  registerVerify(token)
  registerMint(token)
  registerRevoke(token)
  registerRevocations(token)
}

async function inspect(path: string, { json }: { json?: boolean }): Promise<void> {
  const { text, file } = await readToken(path, 'gatewayaccesstoken')
  const inspected = inspectToken(text)
  const issues = [...inspected.issues, ...compareWithFile(inspected, file)]
  if (json) printJson({ ...inspected, issues })
  else printInspected(inspected, systemClock.now())
  if (!json) say('Not verified: neither signature, issuer nor times were checked.')
  for (const issue of issues) say(`portcullis: token-malformed: ${issue}`)
  if (issues.length > 0) process.exitCode = ExitCode.refused
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
