import { createPrivateKey } from 'node:crypto'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import {
  belongsTogether,
  checkPair,
  decodePfx,
  isEncryptedKey,
  type KeyPair,
  openPrivateKey,
  orderChain,
  readCertificates,
} from '../certs/index.ts'
import { BrokerError, systemClock } from '../lib/index.ts'
import { summary } from './certs-options.ts'
import { readBytes, readText } from './files.ts'
import { writeNewFiles } from './new-files.ts'
import { print, printJson } from './output.ts'
import { readPassword } from './password.ts'

interface Options {
  out: string
  key?: string
  passwordFile?: string
  json?: boolean
}

export function register(certs: Command): void {
  certs
    .command('import')
    .description(
      'takes over a certificate and its key: PFX, PEM, or what an authority has answered to a request',
    )
    .argument('<file>', '.pfx or .p12; or .crt, .cer, .pem or .p7b together with --key')
    .requiredOption('--out <path>', 'where to, without .crt and .key; nothing is overwritten')
    .option('--key <file>', 'the private key in PEM, when the file does not hold it')
    .option(
      '--password-file <file>',
      'password of the file or the key, - for standard input (default: asks)',
    )
    .option('--json', 'files and thumbprints as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis certs import issuer.pfx --out issuer\n  portcullis certs import answer.p7b --key tls.key --out tls',
    )
    .action(importPair)
}

async function importPair(file: string, options: Options): Promise<void> {
  const bytes = readBytes(file, 'certificate')
  const pair = isPfx(bytes)
    ? await decodePfx(bytes, await readPassword(passwordOf(file, options)), file)
    : await readPemPair(file, bytes, options)
  const { certificate } = checkPair(pair, file)
  if (certificate.notAfter.getTime() <= systemClock.now()) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${file}: expired on ${certificate.notAfter.toISOString()}; nothing was imported`,
    )
  }
  const [certificateFile, privateKeyFile] = [`${options.out}.crt`, `${options.out}.key`]
  // The key of a request lies at its place already.
  const keyIsThere = options.key !== undefined && resolve(options.key) === resolve(privateKeyFile)
  writeNewFiles([
    ...(keyIsThere ? [] : [{ path: privateKeyFile, content: pair.privateKeyPem, secret: true }]),
    { path: certificateFile, content: pair.certificatePem },
  ])
  if (options.json) printJson({ certificateFile, privateKeyFile, ...summary(certificate) })
  else {
    print(certificateFile)
    print(privateKeyFile)
  }
}

/** SEQUENCE, then the version, the number 3: a certificate has another SEQUENCE there. */
function isPfx(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30) return false
  const lengthBytes = (bytes[1] ?? 0) > 0x80 ? (bytes[1] ?? 0) & 0x7f : 0
  return Buffer.from(bytes.subarray(2 + lengthBytes, 5 + lengthBytes)).equals(
    Buffer.from([2, 1, 3]),
  )
}

/** The leaf is whichever certificate the key belongs to: authorities answer in any order. */
async function readPemPair(file: string, bytes: Uint8Array, options: Options): Promise<KeyPair> {
  const certificates = readCertificates(bytes, file)
  const text = Buffer.from(bytes).toString('latin1')
  const holdsKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
  if (options.key === undefined && !holdsKey) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${file}: holds no private key; name its file with --key`,
    )
  }
  const keyPem = options.key === undefined ? text : readText(options.key, '--key')
  const privateKeyPem = await openKey(options.key ?? file, keyPem, options)
  const privateKey = createPrivateKey(privateKeyPem)
  const leaf = certificates.find(({ publicKey }) => belongsTogether(publicKey, privateKey))
  if (leaf === undefined) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${file}: none of its ${certificates.length} certificates belongs to the key`,
    )
  }
  const chain = orderChain(leaf, certificates)
  return { certificatePem: chain.map(({ pem }) => pem).join(''), privateKeyPem }
}

/** The key as PKCS#8 without pass phrase, whatever it came as. */
async function openKey(file: string, text: string, options: Options): Promise<string> {
  const password = isEncryptedKey(text) ? await readPassword(passwordOf(file, options)) : undefined
  return openPrivateKey(text, password, file)
}

function passwordOf(file: string, { passwordFile }: Options) {
  return { passwordFile, question: `password of ${file}` }
}
