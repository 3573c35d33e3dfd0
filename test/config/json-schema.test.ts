import { expect, test } from 'vitest'
import { editorSchema, knownKeys, partSchema } from '../../src/config/json-schema.ts'
import { SCHEMAS } from '../../src/config/roles.ts'

test.each(Object.entries(SCHEMAS))(
  'every key of a %s says in a sentence what it is',
  (_, schema) => {
    const keys = knownKeys(partSchema(schema))
    const silent = keys.filter(
      // What stands in a list is told with the list.
      ({ path, schema: { description } }) => path.at(-1) !== '[]' && !description?.endsWith('.'),
    )
    expect(keys.length).toBeGreaterThan(10)
    expect(silent.map(({ path }) => path.join('.'))).toEqual([])
  },
)

test('keys are found through defaults, lists, maps and alternatives', () => {
  const keys = Object.values(SCHEMAS).flatMap((schema) => knownKeys(partSchema(schema)))
  const found = keys.map(({ path }) => path.join('.'))
  for (const path of [
    'tokens.lifetimeSeconds',
    'listeners.[].from',
    'metrics.listen',
    'consoles.*.proxy',
    'consoles.virsh.uri',
    'keepalived.balancers.[].address',
  ]) {
    expect(found).toContain(path)
  }
})

test('an editor gets types, ranges, defaults, and what is needed within the description', () => {
  const schema = editorSchema(SCHEMAS.gateway, 'gateway.yaml')
  expect(schema).toMatchObject({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'gateway.yaml',
    required: ['node', 'farm', 'tls', 'targets'],
    additionalProperties: false,
    properties: {
      leewaySeconds: {
        type: 'integer',
        minimum: 0,
        maximum: 30,
        default: 5,
        description: expect.stringContaining('Value: a whole number from 0 to 30.'),
      },
      clientBinding: { enum: ['address', 'prefix', 'none'] },
      listeners: { items: { properties: { from: { default: [] } } } },
    },
  })
  expect(JSON.stringify(schema)).not.toContain('"need"')
})
