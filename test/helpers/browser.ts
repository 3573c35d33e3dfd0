import { createHash, X509Certificate } from 'node:crypto'
import { type Browser, chromium } from 'playwright-core'
import { findProgram } from './programs.ts'

/** Quiet and without services of its own: nothing but the pages under test is asked for anything. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Chromium without a screen and with an empty profile, or undefined when it is not installed. It
 * trusts the given certificate by its key and no other that it would not trust anyway.
 */
export async function launchBrowser(certificatePem: string): Promise<Browser | undefined> {
  const executablePath = findProgram('chromium')
  if (executablePath === undefined) return undefined
  const spki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' })
  const pin = createHash('sha256').update(spki).digest('base64')
  return chromium.launch({
    executablePath,
    args: [...QUIET, `--ignore-certificate-errors-spki-list=${pin}`],
  })
}
