import type { Command } from 'commander'
import * as check from './certs-check.ts'
import * as exporting from './certs-export.ts'
import * as importing from './certs-import.ts'
import * as init from './certs-init.ts'
import * as issue from './certs-issue.ts'
import * as list from './certs-list.ts'

/** Certificates and keys as files; nothing here needs a broker. */
export function register(program: Command): void {
  const certs = program.command('certs').description('certificates and keys of a farm')
  for (const command of [init, issue, importing, exporting, list, check]) command.register(certs)
}
