import { expect, test } from 'vitest'
import { referenceInFileName } from '../../src/cli/file-reference.ts'

test.each([
  ['alpha-7K3M-Q2XD.rdp', '7K3M-Q2XD'],
  ['/home/ann/Downloads/Web-1-7K3M-Q2XD.rdp', '7K3M-Q2XD'],
  ['alpha-7K3M-Q2XD (1).rdp', '7K3M-Q2XD'],
  ['alpha-7K3M-Q2XD(2).rdp', '7K3M-Q2XD'],
  ['alpha.rdp', undefined],
  ['7K3M-Q2XD', undefined],
  ['alpha-7K3M-Q2XD.rdp/other.rdp', undefined],
])('%s has the reference %s', (path, reference) => {
  expect(referenceInFileName(path)).toBe(reference)
})
