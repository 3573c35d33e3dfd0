import { expect, test } from 'vitest'
import { API_CODES } from '../../../src/broker/errors.ts'
import { EXPLANATIONS, explain } from '../../../src/broker/why/explanations.ts'
import { createProgram } from '../../../src/cli/index.ts'
import { REASONS } from '../../../src/lib/index.ts'

const CODES = [...REASONS, ...API_CODES]

test('every reason, and every code of the API, has a row, and no other', () => {
  expect(Object.keys(EXPLANATIONS).sort()).toEqual([...CODES].sort())
})

test.each(CODES)(
  '%s: what happened, its cause and its fix are whole sentences of their own',
  (code) => {
    const { says, cause, fix } = EXPLANATIONS[code]
    for (const text of [says, cause, fix]) expect(text).toMatch(/^[A-Z`].{15,}[.]$/s)
    expect(new Set([says, cause, fix]).size).toBe(3)
  },
)

test('what a text from outside may be called has no row', () => {
  expect(explain('constructor')).toBeUndefined()
  expect(explain('token-expired')?.says).toContain('expired')
})

test('every command that a fix or a cause names is there', async () => {
  const { commands } = await createProgram()
  const named = CODES.flatMap((code) => {
    const { cause, fix } = EXPLANATIONS[code]
    return [...`${cause} ${fix}`.matchAll(/`portcullis ([a-z-]+)(?: ([a-z-]+))?/g)]
  })
  expect(named.length).toBeGreaterThan(20)
  for (const [text, noun, verb] of named) {
    const command = commands.find((one) => one.name() === noun)
    const known = command?.commands.map((one) => one.name()) ?? []
    expect(command, text).toBeDefined()
    if (known.length > 0) expect(known, text).toContain(verb)
  }
})
