import { beforeAll, expect, test } from 'vitest'
import {
  type Certificate,
  createAuthority,
  expiryFindings,
  readCertificate,
} from '../../src/certs/index.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const notBefore = new Date('2026-01-01T00:00:00Z')
let year: Certificate
let month: Certificate

beforeAll(async () => {
  const make = async (days: number): Promise<Certificate> => {
    const options = { commonName: `${days}`, organization: 'Example', notBefore, days }
    return readCertificate((await createAuthority(options)).certificatePem)
  }
  ;[year, month] = [await make(365), await make(30)]
})

const stepWith = (certificate: Certificate, daysLeft: number): number | undefined =>
  expiryFindings(
    [{ name: 'tls', certificate }],
    new Date(certificate.notAfter.getTime() - daysLeft * DAY_MS),
  )[0]?.stepDays

test('names the step that was reached last', () => {
  const table: Array<[number, number | undefined]> = [
    [61, undefined],
    [60, 60],
    [31, 60],
    [30, 30],
    [14, 14],
    [7.5, 14],
    [7, 7],
    [1.01, 7],
    [1, 1],
    [0.001, 1],
    [0, 0],
    [-3, 0],
  ]
  for (const [daysLeft, step] of table) expect(stepWith(year, daysLeft), `${daysLeft}`).toBe(step)
})

test('leaves a short-lived certificate alone in the first half of its life', () => {
  expect(stepWith(month, 29)).toBeUndefined()
  expect(stepWith(month, 15)).toBe(30)
  expect(stepWith(month, 14)).toBe(14)
})

test('names the soonest first, with whole days', () => {
  const now = new Date(month.notAfter.getTime() + DAY_MS / 2)
  const soon = { ...year, notAfter: new Date(now.getTime() + 9.5 * DAY_MS) }
  const found = expiryFindings(
    [
      { name: 'issuer', certificate: soon },
      { name: 'control', certificate: month },
      { name: 'tls', certificate: year },
    ],
    now,
  )
  expect(found.map(({ name, daysLeft }) => [name, daysLeft])).toEqual([
    ['control', -1],
    ['issuer', 9],
  ])
})
