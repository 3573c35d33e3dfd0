import {
  type Certificate,
  type Finding,
  type LintRole,
  lintCertificate,
  readCertificates,
} from '../certs/index.ts'
import type { PairFiles } from '../config/index.ts'
import { errorText, parseEndpoint } from '../lib/index.ts'
import { type DoctorFinding, inArea, type RoleConfig } from './doctor-finding.ts'
import { lintAccess } from './file-access.ts'
import { readBytes } from './files.ts'

/** A certificate file that a configuration names, and what it has to be good for. */
interface Named {
  setting: string
  file: string
  role: LintRole
  /** Names that it has to carry. */
  names?: string[]
  keyFile?: string | undefined
  /** The setting's own authority; those of --ca when absent. */
  caFile?: string | undefined
}

interface Options {
  nowMs: number
  /** Authorities of certificates whose configuration names none. */
  authorities: Certificate[] | undefined
}

/** Rules of the role, expiry, chain; who can read the keys and replace the certificates. */
export function examineCertificates(checked: RoleConfig, options: Options): DoctorFinding[] {
  return namedCertificates(checked).flatMap((named) => examine(named, checked, options))
}

function examine(named: Named, { config }: RoleConfig, options: Options): DoctorFinding[] {
  const { ok, error } = inArea('certificates')
  const { setting, file, role, names = [], keyFile, caFile } = named
  try {
    const chain = readCertificates(readBytes(file, setting), file)
    const authorities = caFile === undefined ? options.authorities : readAuthorities(caFile)
    const developmentAllowed = 'development' in config && config.development
    const findings = lintCertificate(chain, {
      role,
      names,
      microsoft: false,
      ...(authorities === undefined ? {} : { authorities }),
      now: new Date(options.nowMs),
    }).filter(
      ({ code }) =>
        !(code === 'development' && developmentAllowed) &&
        // The setting has an authority, which can't be read: that has a finding of its own.
        !(code === 'chain-unchecked' && caFile !== undefined),
    )
    const end = chain[0]?.notAfter.toISOString().slice(0, 10)
    return [
      ...(findings.length === 0 ? [ok(setting, `${file}: ${role}, valid until ${end}`)] : []),
      ...findings.map((found) => told('certificates', setting, file, found)),
      ...examineFiles(setting, file, keyFile),
    ]
  } catch (problem) {
    return [
      error(setting, errorText(problem), `put the certificate of role ${role} there: certs issue`),
    ]
  }
}

function readAuthorities(caFile: string): Certificate[] | undefined {
  try {
    return readCertificates(readBytes(caFile, 'caFile'), caFile)
  } catch {
    return undefined
  }
}

function examineFiles(setting: string, file: string, keyFile: string | undefined): DoctorFinding[] {
  const { ok, error } = inArea('files')
  const look = (subject: string, path: string, holdsKey: boolean): DoctorFinding[] => {
    const found = lintAccess(path, holdsKey)
    if (found === undefined) {
      return [
        error(subject, `${path}: there is no such file`, 'put the key of the certificate there'),
      ]
    }
    if (found.length === 0 && holdsKey) return [ok(subject, `${path}: for its owner alone`)]
    return found.map((finding) => told('files', subject, undefined, finding))
  }
  return [
    ...look(setting, file, false),
    ...(keyFile === undefined
      ? []
      : look(setting.replace(/certificateFile$/, 'privateKeyFile'), keyFile, true)),
  ]
}

function told(
  area: 'certificates' | 'files',
  subject: string,
  file: string | undefined,
  { severity, message, fix }: Finding,
): DoctorFinding {
  const prefix = file === undefined ? '' : `${file}: `
  return { area, severity, subject, message: prefix + message, fix }
}

function namedCertificates({ role, config }: RoleConfig): Named[] {
  switch (role) {
    case 'broker':
      return [
        pair('tls', config.tls, 'tls'),
        pair('issuer', config.issuer, 'issuer'),
        ...(config.publisher === undefined
          ? []
          : [pair('publisher', config.publisher, 'publisher')]),
        ...control(config.control, 'broker'),
      ]
    case 'gateway':
      return [
        pair('tls', config.tls, 'tls', { names: [config.node] }),
        ...control(config.control, 'node'),
        ...(config.agents.tls === undefined
          ? []
          : [pair('agents.tls', config.agents.tls, 'node', { caFile: config.agents.caFile })]),
        ...(config.agents.caFile === undefined
          ? []
          : [authority('agents.caFile', config.agents.caFile)]),
        ...trusted(config.trust),
        ...(config.lab === undefined ? [] : [trustedIssuer('lab.issuer', config.lab.issuer)]),
      ]
    case 'host-agent':
      return [
        ...(config.tls === undefined
          ? []
          : [
              pair('tls', config.tls, 'agent', { caFile: config.tls.caFile }),
              authority('tls.caFile', config.tls.caFile),
            ]),
        ...control(config.control, 'agent'),
        ...trusted(config.trust),
      ]
    case 'farm': {
      const { certificateFile: file, address, caFile } = config
      const names = [parseEndpoint(address)?.host ?? address]
      return [
        ...(file === undefined
          ? []
          : [{ setting: 'certificateFile', file, role: 'tls' as const, names }]),
        ...(caFile === undefined ? [] : [authority('caFile', caFile)]),
      ]
    }
  }
}

function pair(
  setting: string,
  { certificateFile, privateKeyFile }: PairFiles,
  role: LintRole,
  more: Pick<Named, 'names' | 'caFile'> = {},
): Named {
  const file = certificateFile
  return { setting: `${setting}.certificateFile`, file, role, keyFile: privateKeyFile, ...more }
}

function control(channel: { tls: PairFiles; caFile: string } | undefined, role: LintRole): Named[] {
  if (channel === undefined) return []
  const { tls, caFile } = channel
  return [pair('control.tls', tls, role, { caFile }), authority('control.caFile', caFile)]
}

function authority(setting: string, file: string): Named {
  return { setting, file, role: 'ca' }
}

function trusted(trust: readonly { certificateFile: string }[]): Named[] {
  return trust.map((entry, index) => trustedIssuer(`trust.${index}`, entry))
}

function trustedIssuer(
  setting: string,
  { certificateFile: file }: { certificateFile: string },
): Named {
  return { setting: `${setting}.certificateFile`, file, role: 'issuer' }
}
