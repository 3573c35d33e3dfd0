import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import {
  type Certificate,
  checkPair,
  type Finding,
  isEncryptedKey,
  LINT_ROLES,
  type LintRole,
  lintCertificate,
  openPrivateKey,
  readCertificates,
} from '../certs/index.ts'
import { BrokerError, errorText, plural, systemClock } from '../lib/index.ts'
import { readAuthorities } from './authorities.ts'
import { certificateFiles, keyBeside, needsKey, nodeOf, roleByName } from './certs-directory.ts'
import { summary } from './certs-options.ts'
import { collect } from './collect.ts'
import { lintAccess } from './file-access.ts'
import { readBytes, readText } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'
import { firstLine } from './password.ts'

interface Options {
  role?: LintRole
  name?: string[]
  key?: string
  keyPasswordFile?: string
  ca?: string[]
  microsoft?: boolean
  json?: boolean
}

interface Report {
  file: string
  role: LintRole
  certificate?: Certificate
  findings: Finding[]
}

export function register(certs: Command): void {
  certs
    .command('check')
    .description('looks for everything that is wrong with certificates, or will be soon')
    .argument('<path...>', 'certificate files, or a directory of certs init')
    .addOption(new Option('--role <role>', "default: by the file's name").choices(LINT_ROLES))
    .option(
      '--name <name>',
      'a name that TLS certificates must have: VIP, node; repeat it',
      collect,
    )
    .option('--key <file>', 'private key (default: beside the certificate, with .key)')
    .option('--key-password-file <file>', 'pass phrase of encrypted keys')
    .option(
      '--ca <file>',
      'authority that is trusted; repeat it (default: those in the directory)',
      collect,
    )
    .option('--microsoft', "issuers must please Microsoft's gateways and hosts too")
    .option('--json', 'findings as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis certs check farm-certs --name gateway.example\n  portcullis certs check tls.crt --role tls --name gateway.example --name gw1.example --ca ca.crt',
    )
    .action(check)
}

function check(paths: string[], options: Options): void {
  const files = paths.flatMap(certificateFiles)
  if (files.length === 0)
    throw new BrokerError('ERR_USAGE', `${paths.join(', ')}: no certificates there`)
  const authorities = findAuthorities(files, options)
  const reports = files.map((file) => checkFile(file, options, authorities))
  const errors = count(reports, 'error')
  const warnings = count(reports, 'warning')
  if (options.json) {
    printJson({
      errors,
      warnings,
      files: reports.map(({ file, role, certificate, findings }) => ({
        file,
        role,
        ...(certificate === undefined ? {} : summary(certificate)),
        findings,
      })),
    })
  } else {
    reports.forEach(printReport)
  }
  const outcome = `${files.length} checked, ${plural(errors, 'error')}, ${plural(warnings, 'warning')}`
  if (errors > 0) {
    say(`portcullis: certificates: ${outcome}`)
    process.exitCode = ExitCode.refused
  } else if (!options.json) {
    say(outcome)
  }
}

function count(reports: Report[], severity: Finding['severity']): number {
  return reports.flatMap(({ findings }) => findings).filter((found) => found.severity === severity)
    .length
}

function printReport({ file, role, certificate, findings }: Report): void {
  if (certificate !== undefined && findings.length === 0) {
    print(
      `ok       ${file}: ${role}, valid until ${certificate.notAfter.toISOString().slice(0, 10)}`,
    )
  }
  for (const { severity, message, fix } of findings) {
    print(`${severity.padEnd(9)}${file}: ${message}`)
    print(`         fix: ${fix}`)
  }
}

/** Those that were named, else those that lie among the files; undefined when there are none. */
function findAuthorities(files: string[], { ca }: Options): Certificate[] | undefined {
  if (ca !== undefined) {
    return ca.flatMap(readAuthorities)
  }
  const found = files
    .filter((file) => roleByName(file, undefined) === 'ca')
    .flatMap((file) => {
      try {
        return readCertificates(readBytes(file, 'authority'), file)
      } catch {
        // It gets a finding of its own.
        return []
      }
    })
  return found.length > 0 ? found : undefined
}

function checkFile(file: string, options: Options, authorities: Certificate[] | undefined): Report {
  let chain: Certificate[]
  try {
    chain = readCertificates(readBytes(file, 'certificate'), file)
  } catch (error) {
    const role = options.role ?? roleByName(file, undefined) ?? 'tls'
    return { file, role, findings: [unreadable(file, error)] }
  }
  const [certificate] = chain
  const role = options.role ?? roleByName(file, certificate)
  if (role === undefined) {
    throw new BrokerError(
      'ERR_USAGE',
      `--role: the name of ${file} does not say; need ${LINT_ROLES.join(', ')}`,
    )
  }
  const findings = [
    ...lintCertificate(chain, {
      role,
      names: wantedNames(file, role, options.name ?? []),
      microsoft: options.microsoft ?? false,
      ...(authorities === undefined ? {} : { authorities }),
      now: new Date(systemClock.now()),
    }),
    ...(lintAccess(file, false) ?? []),
    ...(certificate === undefined ? [] : checkKey(file, certificate, role, options)),
  ]
  return { file, role, findings, ...(certificate === undefined ? {} : { certificate }) }
}

function unreadable(file: string, error: unknown): Finding {
  const isPfx = /\.(pfx|p12)$/i.test(file)
  return {
    code: 'not-readable',
    severity: 'error',
    message: errorText(error),
    fix: isPfx ? 'take it apart first: certs import' : 'get the file again, whole',
  }
}

/** A node's certificate has the farm's names and its own; the broker is not dialled by the farm's. */
function wantedNames(file: string, role: LintRole, names: string[]): string[] {
  const node = nodeOf(file)
  if (node !== undefined) return role === 'tls' ? [...names, node] : [node]
  return role === 'tls' && !/(^|\/)broker\//.test(file) ? names : []
}

function checkKey(
  file: string,
  leaf: Certificate,
  role: LintRole,
  { key, keyPasswordFile }: Options,
): Finding[] {
  const keyFile = key ?? keyBeside(file)
  if (key === undefined && !existsSync(keyFile)) {
    return needsKey(file, role) ? [keyFinding('key-missing', `${keyFile}: missing`)] : []
  }
  try {
    const text = readText(keyFile, 'private key')
    if (isEncryptedKey(text) && keyPasswordFile === undefined) {
      const fix = 'name the file of its pass phrase with --key-password-file'
      return [{ ...keyFinding('key-mismatch', `${keyFile}: encrypted`), fix }]
    }
    const passPhrase =
      keyPasswordFile === undefined
        ? undefined
        : firstLine(readText(keyPasswordFile, '--key-password-file'))
    const privateKeyPem = isEncryptedKey(text) ? openPrivateKey(text, passPhrase, keyFile) : text
    checkPair({ certificatePem: leaf.pem, privateKeyPem }, role)
  } catch (error) {
    return [keyFinding('key-mismatch', errorText(error))]
  }
  return lintAccess(keyFile, true) ?? []
}

function keyFinding(code: 'key-missing' | 'key-mismatch', message: string): Finding {
  const fix = 'put the key that was made with the certificate beside it, or issue both again'
  return { code, severity: 'error', message, fix }
}
