import { expect, test } from 'vitest'
import { register } from '../../src/cli/config.ts'
import { runCommand } from './run-command.ts'

test.each(['broker', 'gateway', 'host-agent', 'farm'])(
  'prints the schema of a %s',
  async (role) => {
    const { stdout, exitCode } = await runCommand(register, ['config', 'schema', role])
    expect(JSON.parse(stdout.toString())).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: `Portcullis: ${role}.yaml`,
      type: 'object',
      additionalProperties: false,
    })
    expect(exitCode).toBe(0)
  },
)
