import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Certificate } from '../certs/index.ts'
import { type ConfigFault, checkConfig, ROLES } from '../config/index.ts'
import { BrokerError, ConfigError, errorText, plural, systemClock } from '../lib/index.ts'
import { readAuthorities } from './authorities.ts'
import { collect } from './collect.ts'
import { fileChecks } from './config-files.ts'
import { examineCertificates } from './doctor-certificates.ts'
import { examineClock } from './doctor-clock.ts'
import { DOCTOR_AREAS, type DoctorFinding, inArea, type RoleConfig } from './doctor-finding.ts'
import { examineNames } from './doctor-names.ts'
import { examinePorts } from './doctor-ports.ts'
import { examineTrust } from './doctor-trust.ts'
import { examineVersions } from './doctor-versions.ts'
import { readText } from './files.ts'
import { ExitCode, print, printJson, say } from './output.ts'

const DIRECTORY = '/etc/portcullis'

interface Options {
  config?: string[]
  ca?: string[]
  json?: boolean
}

interface Report {
  file: string
  role: string | undefined
  findings: DoctorFinding[]
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description('looks at this machine: certificates, names, clock, ports, trust, versions, files')
    .option(
      '--config <file>',
      `a role's YAML file; repeat it (default: those in ${DIRECTORY})`,
      collect,
    )
    .option(
      '--ca <file>',
      'authority of certificates for TLS, issuer and publisher; repeat it',
      collect,
    )
    .option('--json', 'findings as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis doctor --config /etc/portcullis/gateway.yaml --ca /etc/portcullis/ca.crt',
    )
    .action(doctor)
}

async function doctor({ config, ca, json }: Options): Promise<void> {
  const files = config ?? standardFiles()
  if (files.length === 0) {
    throw new BrokerError(
      'ERR_USAGE',
      `--config: missing, and nothing in ${DIRECTORY} (npm start leaves its files in var/config)`,
    )
  }
  // A file that isn't there is a slip on the command line.
  for (const file of files) readText(file, '--config')
  const authorities = ca?.flatMap(readAuthorities)
  const machine = examineVersions(process.versions)
  const reports: Report[] = []
  for (const file of files) reports.push(await examine(file, authorities))
  const findings = [...machine, ...reports.flatMap((report) => report.findings)]

  if (json) printJson({ ...counts(findings), machine, files: reports })
  else printReports(machine, reports)
  const { errors, noAnswers, warnings } = counts(findings)
  const outcome = `${plural(errors + noAnswers, 'error')}, ${plural(warnings, 'warning')}`
  if (errors + noAnswers === 0) return json ? undefined : say(outcome)
  say(`portcullis: doctor: ${outcome}`)
  process.exitCode = errors > 0 ? ExitCode.refused : ExitCode.noAnswer
}

function standardFiles(): string[] {
  return ROLES.map((role) => `${DIRECTORY}/${role}.yaml`).filter((file) => existsSync(file))
}

async function examine(file: string, authorities: Certificate[] | undefined): Promise<Report> {
  const { error } = inArea('configuration')
  try {
    const checked = checkConfig(file, undefined)
    const { role, result } = checked
    if ('faults' in result) {
      const fix = ({ setting }: ConfigFault): string =>
        setting === undefined
          ? `look for it in: portcullis config schema ${role}`
          : `portcullis config explain ${setting} --config ${file}`
      const findings = result.faults.map((fault) => error(fault.path, fault.message, fix(fault)))
      return { file, role, findings }
    }
    // Role and configuration belong together, which their types no longer say.
    const known = { role, config: result.config } as RoleConfig
    const nowMs = systemClock.now()
    const found = [
      ...examineCertificates(known, { nowMs, authorities }),
      ...(await examineNames(known)),
      ...(await examinePorts(known)),
      ...(known.role === 'gateway' || known.role === 'host-agent'
        ? [...examineTrust(known.config, nowMs), ...(await examineClock(known.config, systemClock))]
        : []),
    ]
    return {
      file,
      role,
      findings: inOrder([...(await startFaults(file, checked, found)), ...found]),
    }
  } catch (problem) {
    if (!(problem instanceof BrokerError)) throw problem
    const fix = `portcullis config check ${file}`
    return { file, role: undefined, findings: [error(file, errorText(problem), fix)] }
  }
}

/** What a start of the role would end with, unless it was found already. */
async function startFaults(
  file: string,
  checked: Parameters<typeof fileChecks>[0],
  found: DoctorFinding[],
): Promise<DoctorFinding[]> {
  const { ok, error } = inArea('configuration')
  const known = new Set(found.filter(isError).map(({ subject }) => subject))
  const faults: DoctorFinding[] = []
  for (const { path, run } of fileChecks(checked, systemClock.now())) {
    try {
      await run()
    } catch (problem) {
      if (!(problem instanceof BrokerError)) throw problem
      const subject = problem instanceof ConfigError ? problem.path : path
      const fix = `set ${subject} right: portcullis config explain ${subject} --config ${file}`
      if (!known.has(subject)) faults.push(error(subject, errorText(problem), fix))
    }
  }
  return faults.length > 0 ? faults : [ok(checked.role, 'values and files fit together')]
}

function isError({ severity }: DoctorFinding): boolean {
  return severity === 'error' || severity === 'no-answer'
}

function inOrder(findings: DoctorFinding[]): DoctorFinding[] {
  return DOCTOR_AREAS.flatMap((area) => findings.filter((found) => found.area === area))
}

function counts(findings: DoctorFinding[]) {
  const count = (severity: DoctorFinding['severity']): number =>
    findings.filter((found) => found.severity === severity).length
  return { errors: count('error'), noAnswers: count('no-answer'), warnings: count('warning') }
}

function printReports(machine: DoctorFinding[], reports: Report[]): void {
  machine.forEach(printFinding)
  for (const { file, role, findings } of reports) {
    print(`\n${file}${role === undefined ? '' : ` (${role})`}`)
    findings.forEach(printFinding)
  }
}

function printFinding({ area, severity, subject, message, fix }: DoctorFinding): void {
  print(`${severity.padEnd(10)}${area.padEnd(14)}${subject}: ${message}`)
  if (fix !== undefined) print(`${' '.repeat(24)}fix: ${fix}`)
}
