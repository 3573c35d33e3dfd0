/**
 * The command line: one file per command, each with `register(program)`. This is the only room that
 * builds stores, clocks, logs and servers and joins them; nobody imports it. Start with `demo.ts`.
 */
import { Command, CommanderError } from 'commander'
import { ExitCode, endWhenNobodyReads, fail } from './output.ts'
import { softwareVersion } from './version.ts'

interface CommandFile {
  register(program: Command): void
}

/**
 * In the order of the help. A command loads what it needs itself: with all of them a start takes
 * three times as long.
 */
const commands: Record<string, () => Promise<CommandFile>> = {
  demo: () => import('./demo.ts'),
  broker: () => import('./broker.ts'),
  gateway: () => import('./gateway.ts'),
  'host-agent': () => import('./host-agent.ts'),
  console: () => import('./console.ts'),
  probe: () => import('./probe.ts'),
  token: () => import('./token.ts'),
  issuer: () => import('./issuer.ts'),
  node: () => import('./node.ts'),
  session: () => import('./session.ts'),
  why: () => import('./why.ts'),
  audit: () => import('./audit.ts'),
  tenant: () => import('./tenant.ts'),
  host: () => import('./host.ts'),
  vm: () => import('./vm.ts'),
  user: () => import('./user.ts'),
  policy: () => import('./policy.ts'),
  key: () => import('./key.ts'),
  rdp: () => import('./rdp.ts'),
  certs: () => import('./certs.ts'),
  farm: () => import('./farm.ts'),
  lab: () => import('./lab.ts'),
  config: () => import('./config.ts'),
  doctor: () => import('./doctor.ts'),
  'demo-host': () => import('./demo-host.ts'),
}

/** Runs one command line (without the program's name); sets `process.exitCode`. */
export async function run(args: string[]): Promise<void> {
  endWhenNobodyReads()
  try {
    const program = await createProgram(args[0])
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has written its text already; help and version are no errors.
      process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.usage
    } else {
      fail(error)
    }
  }
}

/** @param noun the command that is asked for; without a known one the program has them all. */
export async function createProgram(noun = ''): Promise<Command> {
  const program = new Command('portcullis')
    .description('RD Gateway compatible console broker')
    .version(softwareVersion(), '--version', 'the version of this software')
    .showHelpAfterError('(add --help for the options and an example)')
    .exitOverride()
  const named = Object.hasOwn(commands, noun) ? commands[noun] : undefined
  const wanted = named === undefined ? Object.values(commands) : [named]
  for (const { register } of await Promise.all(wanted.map((load) => load()))) register(program)
  return program
}
