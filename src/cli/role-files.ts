import {
  type CheckedPair,
  checkPair,
  isEncryptedKey,
  type KeyPair,
  openPrivateKey,
  readCertificate,
} from '../certs/index.ts'
import type { PairFiles, TrustFile } from '../config/index.ts'
import { ConfigError } from '../lib/index.ts'
import { parseThumbprint, type TrustEntry } from '../tokens/index.ts'
import { readText } from './files.ts'
import { firstLine } from './password.ts'

/**
 * Certificate and key that a configuration names.
 *
 * @param path of the setting: `tls`
 * @returns the key without pass phrase
 * @throws BrokerError `ERR_USAGE` when a file can't be read, `ERR_CERTIFICATE` for a key that its pass phrase does not open
 */
export function readPair(files: PairFiles, path: string): KeyPair {
  const certificatePem = readText(files.certificateFile, `${path}.certificateFile`)
  return { certificatePem, privateKeyPem: readKey(files, path) }
}

function readKey({ privateKeyFile, passPhraseFile }: PairFiles, path: string): string {
  const name = `${path}.privateKeyFile`
  const text = readText(privateKeyFile, name)
  if (!isEncryptedKey(text)) return text
  if (passPhraseFile === undefined) {
    const remedy = `name the file of its pass phrase in ${path}.passPhraseFile`
    throw new ConfigError(name, `${privateKeyFile} is encrypted; ${remedy}`)
  }
  const passPhrase = firstLine(readText(passPhraseFile, `${path}.passPhraseFile`))
  return openPrivateKey(text, passPhrase, `${name} ${privateKeyFile}`)
}

/** All that {@link readPair} reads. */
export function filesOf({ certificateFile, privateKeyFile, passPhraseFile }: PairFiles): string[] {
  const files = [certificateFile, privateKeyFile]
  return passPhraseFile === undefined ? files : [...files, passPhraseFile]
}

/** As {@link readPair}, and proves that they belong together. @throws BrokerError `ERR_CERTIFICATE` as well */
export function openPair(files: PairFiles, path: string): CheckedPair {
  return checkPair(readPair(files, path), path)
}

/**
 * Opens an issuer's certificate and holds it against the thumbprint beside it, which says what the
 * operator meant, whatever the file holds.
 *
 * @param path of the setting: `trust.0`
 * @returns what was odd about the thumbprint's spelling, for the operator to know
 * @throws ConfigError when the thumbprint is of another certificate
 * @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`
 */
export function openIssuer(
  { certificateFile, thumbprint: spelled, ...window }: TrustFile,
  path: string,
): { entry: TrustEntry; oddities: string[] } {
  const name = `${path}.certificateFile`
  const certificate = readCertificate(readText(certificateFile, name), name)
  const { sha1Thumbprint, sha256Thumbprint } = certificate
  const { thumbprint, oddities } = parseThumbprint(spelled)
  if (thumbprint !== sha1Thumbprint && thumbprint !== sha256Thumbprint) {
    throw new ConfigError(
      `${path}.thumbprint`,
      `have ${thumbprint}; the certificate's are ${sha1Thumbprint} (SHA-1) and ${sha256Thumbprint} (SHA-256)`,
    )
  }
  return { entry: { certificate, purpose: 'gateway', ...window }, oddities }
}
