import { type Command, Option } from 'commander'
import { type ConfigFault, checkConfig, ROLES, type RoleName } from '../config/index.ts'
import { BrokerError, ConfigError, systemClock } from '../lib/index.ts'
import * as explain from './config-explain.ts'
import { fileChecks } from './config-files.ts'
import * as schema from './config-schema.ts'
import { readText } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'

interface Options {
  role?: RoleName
  files: boolean
  json?: boolean
}

interface Finding {
  role: RoleName | undefined
  faults: ConfigFault[]
}

export function register(program: Command): void {
  const config = program.command('config').description('configuration files of the roles')
  config
    .command('check')
    .description('names every fault of a file: setting, value, fix; opens the files it names, too')
    .argument('<file>', 'YAML file')
    .addOption(
      new Option('--role <role>', 'what the file is for (default: seen from it)').choices(ROLES),
    )
    .option('--no-files', 'check only the values, not the files they name')
    .option('--json', 'role and faults as JSON')
    .addHelpText('after', '\nExample:\n  portcullis config check /etc/portcullis/gateway.yaml')
    .action(check)
  explain.register(config)
  schema.register(config)
}

async function check(path: string, options: Options): Promise<void> {
  // A file that isn't there is a slip on the command line, not a fault of the file.
  readText(path, 'configuration')
  const { role, faults } = await findFaults(path, options)
  if (options.json) printJson({ file: path, role, ok: faults.length === 0, faults })
  for (const fault of faults) say(`portcullis: ${fault.path}: ${fault.message}`)
  if (faults.length > 0) process.exitCode = ExitCode.refused
  else if (!options.json) print(`${path}: no faults, role ${role}`)
}

async function findFaults(path: string, { role, files }: Options): Promise<Finding> {
  try {
    const checked = checkConfig(path, role)
    if ('faults' in checked.result) return { role: checked.role, faults: checked.result.faults }
    const faults: ConfigFault[] = []
    for (const { path: setting, run } of files ? fileChecks(checked, systemClock.now()) : []) {
      try {
        await run()
      } catch (error) {
        faults.push(toFault(setting, error))
      }
    }
    return { role: checked.role, faults }
  } catch (error) {
    return { role, faults: [toFault(path, error)] }
  }
}

/** Anything but an error we throw on purpose is a bug of ours and goes on. */
function toFault(path: string, error: unknown): ConfigFault {
  if (error instanceof ConfigError) {
    return { path: error.path, message: error.message.slice(`${error.path}: `.length) }
  }
  if (error instanceof BrokerError) return { path, message: error.message }
  throw error
}
