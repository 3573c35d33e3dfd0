import type { Command } from 'commander'
import { plural, systemClock } from '../lib/index.ts'
import { lintRdpFile } from '../rdpfile/index.ts'
import { readBytes } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'

export function register(rdp: Command): void {
  rdp
    .command('lint')
    .description('names what is wrong with a console file, whoever made it, with one fix each')
    .argument('<file>', '.rdp file')
    .option('--json', 'findings as JSON')
    .addHelpText('after', '\nExample:\n  portcullis rdp lint console.rdp')
    .action(lint)
}

function lint(path: string, { json }: { json?: boolean }): void {
  const findings = lintRdpFile(readBytes(path, 'file'), { nowMs: systemClock.now() })
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.length - errors
  if (json) {
    printJson({ file: path, errors, warnings, findings })
  } else {
    for (const { severity, message, fix } of findings) {
      print(`${severity.padEnd(9)}${message}`)
      print(`         fix: ${fix}`)
    }
  }
  const outcome = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`
  if (errors > 0) {
    say(`portcullis: ${path}: ${outcome}`)
    process.exitCode = ExitCode.refused
  } else if (!json) {
    say(outcome)
  }
}
