import { expect, test } from 'vitest'
import { ApiError, toApiError, toProblem } from '../../src/broker/errors.ts'
import { BrokerError, REASONS, Refusal } from '../../src/lib/index.ts'

test.each([
  ['validation-failed', 400],
  ['unauthorized', 401],
  ['forbidden', 403],
  ['not-found', 404],
  ['vm-unknown', 404],
  ['conflict', 409],
  ['host-not-opted-in', 409],
  ['policy-denied', 422],
  ['rate-limited', 429],
  ['internal-error', 500],
  ['unavailable', 503],
] as const)('%s is %d', (code, status) => {
  expect(toProblem(new ApiError(code, 'Why.'))).toEqual({
    type: `urn:portcullis:problem:${code}`,
    title: expect.any(String),
    status,
    code,
    detail: 'Why.',
    ref: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/),
  })
})

test('every reason has a status, those that the API never gives 500', () => {
  for (const reason of REASONS) {
    expect(new ApiError(reason, '').status).toBeGreaterThanOrEqual(400)
  }
  expect(new ApiError('host-closed', '').status).toBe(500)
})

test.each([
  ['a refusal', new Refusal('policy-denied', 'too long'), 'policy-denied', 422],
  ['a failing store', new BrokerError('ERR_STORE', 'disk'), 'unavailable', 503],
  ['another error of ours', new BrokerError('ERR_CERTIFICATE', 'expired'), 'internal-error', 500],
  ['a large body', Object.assign(new Error('x'), { status: 413 }), 'limit-reached', 413],
  ['what a parser refuses', Object.assign(new Error('x'), { status: 400 }), 'protocol-error', 400],
  ['what claims to be 500', Object.assign(new Error('x'), { status: 500 }), 'internal-error', 500],
  ['what claims to be 200', Object.assign(new Error('x'), { status: 200 }), 'internal-error', 500],
  ['no error at all', 'x', 'internal-error', 500],
] as const)('%s is told as what it is', (_, thrown, code, status) => {
  expect(toProblem(toApiError(thrown))).toMatchObject({ code, status })
})

test('an error keeps its reference, however often it is told', () => {
  const error = new ApiError('conflict', 'Why.')
  expect(toApiError(error)).toBe(error)
  expect(toProblem(error).ref).toBe(toProblem(error).ref)
})
