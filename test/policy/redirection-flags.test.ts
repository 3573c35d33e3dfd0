import { expect, test } from 'vitest'
import { REDIRECTIONS, redirectionFlags } from '../../src/policy/index.ts'
import { RedirFlag } from '../../src/protocol/index.ts'

test('what is not allowed is switched off, by the bits of the protocol', () => {
  const { disableDrive, disablePrinter, disablePort, disableClipboard, disablePnp } = RedirFlag
  expect(redirectionFlags([])).toBe(RedirFlag.disableAll)
  expect(redirectionFlags(REDIRECTIONS)).toBe(0)
  expect(redirectionFlags(['clipboard'])).toBe(
    disableDrive | disablePrinter | disablePort | disablePnp,
  )
  expect(redirectionFlags(['drives', 'printers', 'ports', 'pnp'])).toBe(disableClipboard)
})
