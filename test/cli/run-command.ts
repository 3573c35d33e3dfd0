import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { onTestFinished, vi } from 'vitest'
import { fail } from '../../src/cli/output.ts'

export interface Outcome {
  stdout: Buffer
  stderr: string
  exitCode: number
}

/** One command line, in this process, with what it would have written and its exit code. */
export async function runCommand(
  register: (program: Command) => void,
  args: string[],
): Promise<Outcome> {
  const chunks: Buffer[] = []
  let stderr = ''
  const stdoutSpy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    chunks.push(Buffer.from(chunk))
    return true
  })
  const stderrSpy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += String(chunk)
    return true
  })
  const before = process.exitCode
  process.exitCode = 0
  try {
    const program = new Command('portcullis').exitOverride()
    register(program)
    await program.parseAsync(args, { from: 'user' }).catch(fail)
    return { stdout: Buffer.concat(chunks), stderr, exitCode: Number(process.exitCode) }
  } finally {
    process.exitCode = before
    stdoutSpy.mockRestore()
    stderrSpy.mockRestore()
  }
}

/** A directory of files, gone when the test is; gives the paths by name. */
export function writeFiles<Name extends string>(
  files: Record<Name, string | Uint8Array>,
): Record<Name | 'directory', string> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-cli-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const paths: Record<string, string> = { directory }
  for (const [name, content] of Object.entries<string | Uint8Array>(files)) {
    const path = join(directory, name)
    writeFileSync(path, content, { mode: name.endsWith('.key') ? 0o600 : 0o644 })
    paths[name] = path
  }
  return paths
}
