import { XMLParser } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import { renderJunit } from '../../../src/lab/report/junit.ts'
import { RESULT, ROW } from './results.ts'

const parse = (text: string) =>
  new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', trimValues: false }).parse(text)

test('has a case for each scenario, under its stable name', () => {
  const { testsuite } = parse(renderJunit(RESULT)).testsuites
  expect(testsuite).toMatchObject({ name: 'expiry', tests: '3', failures: '1', errors: '1' })
  expect(testsuite.testcase).toMatchObject([
    { classname: 'expiry.times', name: 'good', time: '1.500' },
    {
      classname: 'expiry.times',
      name: 'bad',
      failure: {
        message: ROW.faults[0] === undefined ? '' : expect.stringContaining(ROW.faults[0]),
      },
    },
    {
      classname: 'expiry.altered',
      name: 'broken',
      error: { message: expect.stringContaining('not within') },
    },
  ])
  expect(testsuite.testcase[0].failure).toBeUndefined()
})

test('says what clients saw, without characters that XML has no place for', () => {
  const text = renderJunit(RESULT)
  expect(text).toContain('an &lt;odd&gt; &amp; &quot;strange&quot; client�')
  expect(text).toContain('ref 7K3M-Q2XD')
  expect(text).not.toContain('\u0000')
})

test('says of each that was left out why, and whose farm it was', () => {
  const [good] = RESULT.scenarios
  if (good === undefined) throw new TypeError('no results')
  const left = { ...good, name: 'agent.valid', rows: [], skipped: 'needs a <host> agent' }
  const result = { ...RESULT, gateway: 'gw1.example:443', scenarios: [good, left] }
  const { testsuite } = parse(renderJunit(result)).testsuites
  expect(testsuite).toMatchObject({ tests: '2', failures: '0', errors: '0', skipped: '1' })
  expect(testsuite.testcase[1].skipped).toEqual({ message: 'needs a <host> agent' })
  expect(testsuite.properties.property[1]).toEqual({ name: 'gateway', value: 'gw1.example:443' })
})
