import { expiryFindings, type NamedCertificate, readCertificate } from '../certs/index.ts'
import { type CertificateEnd, type Clock, errorText, type Log } from '../lib/index.ts'
import { readText } from './files.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** From here on a person must act. */
const URGENT_DAYS = 7

export interface WatchOptions {
  config: object
  clock: Clock
  log: Log
  /** What is in use without a setting that names it, as after a rotation. */
  others?: () => NamedCertificate[]
}

export interface ExpiryWatch {
  /** Names and ends, as of the last look. */
  ends(): CertificateEnd[]
  /** Looks once, now: a file was replaced. */
  look(): void
  close(): void
}

/**
 * Event `cert.expiring` for each certificate that a configuration names and that ends soon: now, and
 * every day. Files are read anew each time, so that a replaced certificate falls silent without a restart.
 */
export function watchExpiry(options: WatchOptions): ExpiryWatch {
  let certificates: NamedCertificate[] = []
  const look = (): void => {
    certificates = reportExpiry(options)
  }
  look()
  const timer = setInterval(look, DAY_MS)
  timer.unref()
  return {
    ends: () => certificates.map(({ name, certificate }) => [name, certificate.notAfter]),
    look,
    close: () => clearInterval(timer),
  }
}

/** One look at all of them. @returns those that the configuration names, whether they end soon or not */
export function reportExpiry({
  config,
  clock,
  log,
  others = () => [],
}: WatchOptions): NamedCertificate[] {
  const certificates = certificateFilesIn(config).flatMap((named) => readNamed(named, log))
  const known = new Set(certificates.map(({ certificate }) => certificate.sha256Thumbprint))
  const unnamed = others().filter(({ certificate }) => !known.has(certificate.sha256Thumbprint))
  const findings = expiryFindings([...certificates, ...unnamed], new Date(clock.now()))
  for (const finding of findings) {
    const { name, certificate, daysLeft, stepDays } = finding
    const { subject, sha256Thumbprint, notAfter } = certificate
    const level = stepDays <= URGENT_DAYS ? 'error' : 'warn'
    log[level]('cert.expiring', {
      certificate: name,
      subject,
      sha256Thumbprint,
      notAfter: notAfter.toISOString(),
      daysLeft,
      stepDays,
    })
  }
  return certificates
}

interface NamedFile {
  /** Path of the setting: `tls.certificateFile`. */
  name: string
  file: string
}

/** Every setting that names a certificate, at any depth. */
function certificateFilesIn(value: unknown, path: string[] = []): NamedFile[] {
  if (typeof value === 'string') {
    const isCertificate = ['certificateFile', 'caFile'].includes(path.at(-1) ?? '')
    return isCertificate ? [{ name: path.join('.'), file: value }] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => certificateFilesIn(inner, [...path, key]))
}

function readNamed({ name, file }: NamedFile, log: Log): NamedCertificate[] {
  try {
    return [{ name, certificate: readCertificate(readText(file, name), name) }]
  } catch (error) {
    log.warn('cert.unreadable', { certificate: name, error: errorText(error) })
    return []
  }
}
