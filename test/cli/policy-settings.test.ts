import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import {
  changeLayer,
  parseSetting,
  renderSettings,
  renderValue,
} from '../../src/cli/policy-settings.ts'
import { BUILT_IN_POLICY, POLICY_NAMES } from '../../src/policy/index.ts'
import { writeFiles } from './run-command.ts'

test.each([
  ['allowConsole=false', false],
  ['maxSessions=0', 0],
  ['tokenFormat=fedauth', 'fedauth'],
  ['redirect=clipboard,drives', ['clipboard', 'drives']],
  ['redirect=none', []],
  ['consentText=Be good = be happy.', 'Be good = be happy.'],
  ['consentText=none', ''],
])('reads %s', (text, value) => {
  expect(parseSetting(text).value).toEqual(value)
})

test('reads a consent text from a file, without the line feed that ends it', () => {
  const files = writeFiles({ 'notice.txt': 'First line\n\nLast line\n' })
  expect(parseSetting(`consentText=@${files['notice.txt']}`).value).toBe('First line\n\nLast line')
  expect(() => parseSetting('consentText=@/nowhere')).toThrow('consentText /nowhere: there is no')
})

test.each([
  ['allowConsole', 'need NAME=VALUE'],
  ['allowConsoles=true', 'allowConsoles: need one of allowConsole, allowBrowser,'],
  ['allowConsole=yes', 'allowConsole: need true or false, have text.'],
  ['maxSessions=-1', 'maxSessions: need a number, have text.'],
  ['ttlSeconds=4', 'ttlSeconds: need at least 5, have 4.'],
  ['ttlSeconds=', 'ttlSeconds: need a number, have text.'],
  ['redirect=clipboard,clipboard', 'redirect: names one twice'],
  ['redirect=sound', 'redirect: need one of clipboard, drives, '],
  ['clientBinding=prefixes', 'clientBinding: need one of address, prefix, none.'],
  ['constructor=1', 'constructor: need one of'],
])('refuses %s', (text, message) => {
  expect(() => parseSetting(text)).toThrow(InvalidArgumentError)
  expect(() => parseSetting(text)).toThrow(message)
})

test('every built-in value, as it is shown, is read as the same', () => {
  for (const name of POLICY_NAMES) {
    const shown = renderValue(BUILT_IN_POLICY[name])
    expect(parseSetting(`${name}=${shown}`)).toEqual({ name, value: BUILT_IN_POLICY[name] })
  }
})

test('a setting moves from default to enforced and back, and the others stay', () => {
  const layer = { default: { maxSessions: 1, ttlSeconds: 60 }, enforce: { allowConsole: true } }
  const moved = changeLayer(layer, {
    default: [{ name: 'allowConsole', value: false }],
    enforce: [{ name: 'maxSessions', value: 2 }],
    unset: [],
  })
  expect(moved).toEqual({
    default: { ttlSeconds: 60, allowConsole: false },
    enforce: { maxSessions: 2 },
  })
  const none = { default: [], enforce: [] }
  expect(changeLayer(layer, { ...none, unset: ['ttlSeconds', 'allowConsole'] })).toEqual({
    default: { maxSessions: 1 },
    enforce: {},
  })
})

test('the help has a line with words for every setting', () => {
  const lines = renderSettings().split('\n')
  expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(POLICY_NAMES)
  for (const line of lines) expect(line).toMatch(/^ {2}\w+ {2,}[A-Z].*\.( \([\w, ]+\))?$/)
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {2}clientBinding .* \(address, prefix, none\)$/),
  )
})
