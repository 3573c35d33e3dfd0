import { createPrivateKey, type KeyObject } from 'node:crypto'
import { BrokerError, errorText, type Secret } from '../lib/index.ts'

const BLOCK = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?-----END \1-----/

/** Whether a key needs a pass phrase: PKCS#8's own encryption (RFC 5958), or OpenSSL's older one of the PEM text. */
export function isEncryptedKey(pem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)
}

/**
 * A key that is not encrypted.
 *
 * @param name what to call it in errors: `issuer private key`
 * @throws BrokerError `ERR_CERTIFICATE`; never with any part of the key
 */
export function readPrivateKey(pem: string, name: string): KeyObject {
  const label = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----/.exec(pem)?.[1]
  if (label === undefined) throw unusable(name, 'no BEGIN PRIVATE KEY line')
  if (!pem.includes(`-----END ${label}-----`)) throw unusable(name, `cut off: no END ${label} line`)
  if (isEncryptedKey(pem)) throw unusable(name, 'encrypted, and its pass phrase is not given')
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw unusable(name, `not readable: ${errorText(error)}`, error)
  }
}

/**
 * The first key of a text as PKCS#8 without pass phrase, whatever it came as: PKCS#8, PKCS#1 or SEC 1. As slow as whoever
 * encrypted it wished, and synchronous: for commands and for start-up.
 *
 * @param passPhrase without effect on a key that needs none
 * @throws BrokerError `ERR_CERTIFICATE`; never with any part of the key or the pass phrase
 */
export function openPrivateKey(pem: string, passPhrase: Secret | undefined, name: string): string {
  const block = BLOCK.exec(pem)?.[0]
  if (block === undefined) throw unusable(name, 'holds no whole private key')
  if (!isEncryptedKey(block) || passPhrase === undefined) return toPem(readPrivateKey(block, name))
  try {
    return toPem(createPrivateKey({ key: block, passphrase: passPhrase.reveal() }))
  } catch (error) {
    throw unusable(name, 'wrong pass phrase, or the file was damaged', error)
  }
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function unusable(name: string, message: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_CERTIFICATE', `${name}: ${message}`, { cause })
}
