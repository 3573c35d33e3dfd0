import type { Command } from 'commander'
import * as lint from './rdp-lint.ts'
import * as render from './rdp-render.ts'
import * as verify from './rdp-verify.ts'

export function register(program: Command): void {
  const rdp = program.command('rdp').description('.rdp files')
  for (const command of [render, lint, verify]) command.register(rdp)
}
