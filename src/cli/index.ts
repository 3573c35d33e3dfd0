/**
 * The command line: one file per command, each with `register(program)`. This is the only room that
 * builds stores, clocks, logs and servers and joins them; nobody imports it. Start with `demo.ts`.
 */
import { Command, CommanderError } from 'commander'
import * as audit from './audit.ts'
import * as broker from './broker.ts'
import * as certs from './certs.ts'
import * as config from './config.ts'
import * as console from './console.ts'
import * as demo from './demo.ts'
import * as demoHost from './demo-host.ts'
import * as doctor from './doctor.ts'
import * as farm from './farm.ts'
import * as gateway from './gateway.ts'
import * as host from './host.ts'
import * as hostAgent from './host-agent.ts'
import * as issuer from './issuer.ts'
import * as key from './key.ts'
import * as lab from './lab.ts'
import * as node from './node.ts'
import { ExitCode, endWhenNobodyReads, fail } from './output.ts'
import * as policy from './policy.ts'
import * as probe from './probe.ts'
import * as rdp from './rdp.ts'
import * as session from './session.ts'
import * as tenant from './tenant.ts'
import * as token from './token.ts'
import * as user from './user.ts'
import * as vm from './vm.ts'
import * as why from './why.ts'

/** In the order of the help. */
const commands: Array<{ register(program: Command): void }> = [
  demo,
  broker,
  gateway,
  hostAgent,
  console,
  probe,
  token,
  issuer,
  node,
  session,
  why,
  audit,
  tenant,
  host,
  vm,
  user,
  policy,
  key,
  rdp,
  certs,
  farm,
  lab,
  config,
  doctor,
  demoHost,
]

/** Runs one command line (without the program's name); sets `process.exitCode`. */
export async function run(args: string[]): Promise<void> {
  endWhenNobodyReads()
  const program = createProgram()
  try {
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

export function createProgram(): Command {
  const program = new Command('portcullis')
    .description('RD Gateway compatible console broker')
    .showHelpAfterError('(add --help for the options and an example)')
    .exitOverride()
  for (const command of commands) command.register(program)
  return program
}
