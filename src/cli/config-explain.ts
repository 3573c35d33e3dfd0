import { type Command, Option } from 'commander'
import { explainKey, type KeyExplanation, ROLES, type RoleName } from '../config/index.ts'
import { DEFAULT_LIMITS } from '../gateway/index.ts'
import { DEFAULT_AGENT_LIMITS } from '../host-agent/index.ts'
import { readText } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'

interface Options {
  role?: RoleName
  config?: string
  json?: boolean
}

export function register(config: Command): void {
  config
    .command('explain')
    .description('what a setting is, what it may be, its value, and where that comes from')
    .argument('<key>', 'tokens.lifetimeSeconds, listeners.0.address, …')
    .addOption(
      new Option(
        '--role <role>',
        'whose setting (default: seen from the file, or every role that has it)',
      ).choices(ROLES),
    )
    .option('--config <file>', 'YAML file whose value is shown')
    .option('--json', 'the same as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis config explain tokens.lifetimeSeconds --config /etc/portcullis/broker.yaml',
    )
    .action(explain)
}

function explain(key: string, { role, config, json }: Options): void {
  // A file that isn't there is a slip on the command line.
  if (config !== undefined) readText(config, '--config')
  const explanations = explainKey(key, {
    role,
    file: config,
    builtIn: {
      gateway: { limits: DEFAULT_LIMITS },
      'host-agent': { limits: DEFAULT_AGENT_LIMITS },
    },
  })
  if (json) printJson({ items: explanations })
  else print(explanations.map((explanation) => render(explanation, config)).join('\n\n'))
  const faults = explanations.flatMap((explanation) => explanation.faults)
  for (const fault of faults) say(`portcullis: ${fault.path}: ${fault.message}`)
  if (faults.length > 0) process.exitCode = ExitCode.refused
}

function render(explanation: KeyExplanation, file: string | undefined): string {
  const { key, role, description, need, required, variable } = explanation
  const rows: [string, string | undefined][] = [
    ['type', typeText(explanation)],
    ['needs', saidByType(explanation) ? undefined : need],
    ['default', defaultText(explanation)],
    ['variable', variable],
    ['value', valueText(explanation, file)],
  ]
  const lines = rows.flatMap(([name, text]) =>
    text === undefined ? [] : [`  ${name.padEnd(10)}${text}`],
  )
  const heading = `${key} (${role}${required ? ', has to be set' : ''})`
  return [heading, ...(description === undefined ? [] : [`  ${description}`]), ...lines].join('\n')
}

function typeText({ type, choices, minimum, maximum, unit }: KeyExplanation): string {
  const range =
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : maximum === undefined
        ? undefined
        : `at most ${maximum}`
  const kind = choices === undefined ? type : `one of ${choices.join(', ')}`
  return [kind, range, unit].filter((part) => part !== undefined).join(', ')
}

/** Numbers, truth values and choices: the words of an error would say it again. */
function saidByType({ type, choices }: KeyExplanation): boolean {
  return choices !== undefined || type === 'whole number' || type === 'true or false'
}

function defaultText({ default: value, required }: KeyExplanation): string | undefined {
  if (value === undefined) return required ? undefined : 'none'
  return shown(value)
}

function valueText(
  { value, source, required, variable }: KeyExplanation,
  file: string | undefined,
): string {
  switch (source) {
    case 'unset':
      if (file === undefined) return 'not known without --config'
      return required ? `missing in ${file}` : `not set in ${file}`
    case 'several':
      return 'one at each place of a list; name the place, as in listeners.0.address'
    case 'default':
      return `${shown(value)}, by default`
    case 'environment':
      return `${shown(value)}, from the variable ${variable}`
    case 'file':
      return `${shown(value)}, from ${file}`
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
