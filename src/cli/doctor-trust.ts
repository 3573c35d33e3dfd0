import { readCertificate } from '../certs/index.ts'
import type { GatewayConfig, HostAgentConfig } from '../config/index.ts'
import { errorText, formatEndpoint } from '../lib/index.ts'
import { type DoctorFinding, inArea } from './doctor-finding.ts'
import { readRemembered } from './node-control.ts'

const HOUR_MS = 60 * 60 * 1000

/** Whom this verifier trusts, and how long ago a broker has said so. */
export function examineTrust(
  config: GatewayConfig | HostAgentConfig,
  nowMs: number,
): DoctorFinding[] {
  return [
    ...(config.control === undefined
      ? examineOwn(config, nowMs)
      : examineRemembered(config.control, nowMs)),
    ...('lab' in config ? examineLab(config.lab) : []),
  ]
}

/** Meant for days, and easily forgotten. */
function examineLab(lab: GatewayConfig['lab']): DoctorFinding[] {
  if (lab === undefined) return []
  const message = `a tester's tokens are let in towards ${formatEndpoint(lab.echoHost)}`
  return [inArea('trust').warning('lab', message, 'take it out when the tests are over')]
}

/** Their certificates are looked at elsewhere; here, when they count. */
function examineOwn({ trust }: GatewayConfig | HostAgentConfig, nowMs: number): DoctorFinding[] {
  const { ok, error, warning } = inArea('trust')
  return trust.map(({ notBefore, notAfter }, index) => {
    const subject = `trust.${index}`
    if (notAfter !== undefined && notAfter.getTime() < nowMs) {
      const message = `counted until ${notAfter.toISOString()}`
      return error(`${subject}.notAfter`, message, `take ${subject} out, or set a later notAfter`)
    }
    if (notBefore !== undefined && notBefore.getTime() > nowMs) {
      const message = `counts from ${notBefore.toISOString()} on`
      return warning(
        `${subject}.notBefore`,
        message,
        'wait until then, or set an earlier notBefore',
      )
    }
    return ok(subject, 'trusted for as long as the file says so; nothing can be revoked')
  })
}

function examineRemembered(
  { stateFile, maxTrustAgeHours }: NonNullable<GatewayConfig['control']>,
  nowMs: number,
): DoctorFinding[] {
  const { ok, error, warning } = inArea('trust')
  const subject = 'control.stateFile'
  if (stateFile === undefined) {
    const message = 'not set: nobody is admitted after a restart until a broker answers'
    return [warning(subject, message, `set ${subject} to a file that the role may write`)]
  }
  const ask = 'start the role, and look for control.unreachable in its log'
  try {
    const remembered = readRemembered(stateFile)
    if (remembered === undefined) {
      return [warning(subject, `${stateFile}: nothing there yet, no broker has answered`, ask)]
    }
    const { issuers, asOf, version } = remembered.trust
    const ageHours = (nowMs - asOf) / HOUR_MS
    const age = `confirmed ${ageHours.toFixed(1)} h ago, of ${maxTrustAgeHours} h at most`
    const set = `${issuers.length} issuers, version ${version}`
    const ends = issuers.flatMap(({ certificatePem, sha256Thumbprint }) => {
      const { notAfter } = readCertificate(certificatePem, sha256Thumbprint)
      if (notAfter.getTime() >= nowMs) return []
      const message = `issuer ${sha256Thumbprint}: expired on ${notAfter.toISOString()}`
      return [warning(subject, message, `issuer distrust ${sha256Thumbprint}`)]
    })
    return [
      ...(issuers.length === 0
        ? [error(subject, `${set}: everybody is refused`, 'issuer list; issuer trust')]
        : []),
      ageHours > maxTrustAgeHours
        ? error(subject, `${set}, ${age}: everybody is refused (trust-stale)`, ask)
        : ok(subject, `${set}, ${age}`),
      ...ends,
    ]
  } catch (problem) {
    return [error(subject, errorText(problem), `remove ${stateFile}; a broker fills it again`)]
  }
}
