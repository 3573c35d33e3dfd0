import { expect, test } from 'vitest'
import { matchTarget } from '../../src/gateway/channel-target.ts'

test.each([
  ['hv1.example:3389', 'hv1.example', 3389],
  ['hv1.example:3389', 'HV1.Example.', 3389],
  ['hv1.example:3389', 'hv1.example:3389', 3389],
  ['HV1.example:24001', 'hv1.example', 24001],
  ['192.0.2.7:3389', '192.0.2.7', 3389],
  ['[2001:db8::7]:3389', '2001:db8::7', 3389],
  ['[2001:db8::7]:3389', '[2001:DB8::7]', 3389],
  ['[2001:db8::7]:3389', '[2001:db8::7]:3389', 3389],
])('dst %s agrees with name %s and port %i', (dst, name, port) => {
  expect(matchTarget(dst, { names: [name], port })).toMatchObject({ port })
})

test.each([
  ['hv1.example:3389', 'hv2.example', 3389],
  ['hv1.example:3389', 'hv1.example', 2179],
  ['hv1.example:3389', 'hv1.example:22', 3389],
  ['hv1.example:3389', 'hv1.example:3389', 22],
  ['hv1.example:3389', 'hv1.example..', 3389],
  ['hv1.example:3389', 'hv1.example:3389:3389', 3389],
  ['hv1.example:3389', '', 3389],
  ['hv1.example:3389', 'hv1.example\u0000', 3389],
])('dst %s disagrees with name %s and port %i', (dst, name, port) => {
  expect(() => matchTarget(dst, { names: [name], port })).toThrow(
    expect.objectContaining({ reason: 'target-mismatch' }),
  )
})

test('one of several names is enough, and the token decides what is dialled', () => {
  const target = matchTarget('hv1.example:3389', { names: ['other', 'HV1.example'], port: 3389 })
  expect(target).toEqual({ host: 'hv1.example', port: 3389 })
})

test('what the client names is cleaned before it stands in a message', () => {
  expect(() => matchTarget('a:3389', { names: ['b\u0007\n'], port: 3389 })).toThrow(
    'names b?? with',
  )
})
