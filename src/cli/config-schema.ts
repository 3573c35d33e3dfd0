import { Argument, type Command } from 'commander'
import { editorSchemaOf, ROLES, type RoleName } from '../config/index.ts'
import { printJson } from './output.ts'

export function register(config: Command): void {
  config
    .command('schema')
    .description("JSON Schema of a role's file, for an editor: completion, descriptions, errors")
    .addArgument(new Argument('<role>', 'what the file is for').choices(ROLES))
    .addHelpText(
      'after',
      '\nExample:\n  portcullis config schema gateway > gateway.schema.json\n  # and as the first line of gateway.yaml, for the yaml language server:\n  # yaml-language-server: $schema=gateway.schema.json',
    )
    .action((role: RoleName) => printJson(editorSchemaOf(role)))
}
