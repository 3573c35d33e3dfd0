import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { type Certificate, describeKey, readCertificate, readCertificates } from '../certs/index.ts'
import { errorText, systemClock } from '../lib/index.ts'
import { parseThumbprint } from '../tokens/index.ts'
import { certificateFiles, keyBeside, roleByName } from './certs-directory.ts'
import { readBytes } from './files.ts'
import { ExitCode, print, printJson, printTable, say } from './output.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export function register(certs: Command): void {
  certs
    .command('list')
    .description('shows the certificates in a directory and when they end')
    .argument('<directory>')
    .option('--json', 'with subjects, names and both thumbprints')
    .addHelpText('after', '\nExample:\n  portcullis certs list farm-certs')
    .action(list)
  certs
    .command('thumbprint')
    .description("shows a certificate's thumbprints, or compares a pasted one with them")
    .argument('<file>', 'PEM or DER')
    .option('--compare <thumbprint>', 'SHA-1 or SHA-256, in any spelling')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis certs thumbprint issuer.crt\n  portcullis certs thumbprint issuer.crt --compare "da 11 f5 …"',
    )
    .action(thumbprint)
}

function list(directory: string, { json }: { json?: boolean }): void {
  const found = certificateFiles(directory).map((file) => {
    try {
      const [certificate] = readCertificates(readBytes(file, 'certificate'), file)
      return { file, certificate }
    } catch (error) {
      return { file, error: errorText(error) }
    }
  })
  if (json) {
    printJson(
      found.map(({ file, certificate, error }) =>
        certificate === undefined ? { file, error } : { file, ...details(file, certificate) },
      ),
    )
  } else {
    printTable(
      ['file', 'role', 'key', 'expires', 'days', 'SHA-256 thumbprint'],
      found.map(({ file, certificate }) =>
        certificate === undefined
          ? [file, '-', '-', '-', '-', 'not readable']
          : row(file, certificate),
      ),
    )
  }
  for (const { error } of found) if (error !== undefined) say(`portcullis: ${error}`)
  if (found.some(({ error }) => error !== undefined)) process.exitCode = ExitCode.refused
}

function details(file: string, certificate: Certificate) {
  const { subject, issuer, dnsNames, ipAddresses, sha1Thumbprint, sha256Thumbprint } = certificate
  return {
    role: roleByName(file, certificate) ?? null,
    holdsKey: existsSync(keyBeside(file)),
    subject,
    issuer,
    names: [...dnsNames, ...ipAddresses],
    key: describeKey(certificate.publicKey),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    daysLeft: daysLeft(certificate),
    sha1Thumbprint,
    sha256Thumbprint,
  }
}

function row(file: string, certificate: Certificate): string[] {
  return [
    file,
    roleByName(file, certificate) ?? '-',
    describeKey(certificate.publicKey),
    certificate.notAfter.toISOString().slice(0, 10),
    String(daysLeft(certificate)),
    `${certificate.sha256Thumbprint.slice(0, 16)}…`,
  ]
}

function daysLeft({ notAfter }: Certificate): number {
  return Math.floor((notAfter.getTime() - systemClock.now()) / DAY_MS)
}

function thumbprint(file: string, options: { compare?: string; json?: boolean }): void {
  const bytes = readBytes(file, 'certificate')
  const isText = bytes.includes('-----BEGIN')
  const certificate = readCertificate(isText ? bytes.toString('utf8') : bytes, file)
  const { subject, sha1Thumbprint, sha256Thumbprint } = certificate
  const compared = options.compare === undefined ? undefined : parseThumbprint(options.compare)
  const equal = compared && [sha1Thumbprint, sha256Thumbprint].includes(compared.thumbprint)
  if (options.json) {
    printJson({
      subject,
      sha1Thumbprint,
      sha256Thumbprint,
      ...(compared && { compared: { ...compared, equal } }),
    })
  } else {
    print(`SHA-1    ${sha1Thumbprint}`)
    print(`SHA-256  ${sha256Thumbprint}`)
  }
  for (const oddity of compared?.oddities ?? []) say(`portcullis: --compare: ignored ${oddity}`)
  if (equal === true && !options.json) say('The thumbprint is of this certificate.')
  if (equal === false) {
    say(`portcullis: --compare: ${compared?.thumbprint} is of another certificate`)
    process.exitCode = ExitCode.refused
  }
}
