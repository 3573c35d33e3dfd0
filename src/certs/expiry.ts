import type { Certificate } from './certificate.ts'

/** Days before the end at which somebody should hear of it, once each. */
export const EXPIRY_STEPS_DAYS = [60, 30, 14, 7, 1] as const

const DAY_MS = 24 * 60 * 60 * 1000

export interface NamedCertificate {
  /** What it is for or where it lies: `issuer`, `tls`. */
  name: string
  certificate: Certificate
}

export interface ExpiryFinding extends NamedCertificate {
  /** The step it has reached; 0 when it has expired. */
  stepDays: 0 | (typeof EXPIRY_STEPS_DAYS)[number]
  /** Whole days left, rounded down; negative when it has expired. */
  daysLeft: number
}

/**
 * Certificates that expire soon or have expired, the soonest first. A step counts only in the second half of a certificate's
 * life, so that one made for 30 days is not called about to expire from its first day.
 */
export function expiryFindings(certificates: NamedCertificate[], now: Date): ExpiryFinding[] {
  return certificates
    .flatMap((named) => {
      const finding = findingOf(named, now)
      return finding === undefined ? [] : [finding]
    })
    .sort((one, other) => one.daysLeft - other.daysLeft)
}

function findingOf(named: NamedCertificate, now: Date): ExpiryFinding | undefined {
  const { notBefore, notAfter } = named.certificate
  const leftMs = notAfter.getTime() - now.getTime()
  const halfLifeMs = (notAfter.getTime() - notBefore.getTime()) / 2
  const daysLeft = Math.floor(leftMs / DAY_MS)
  if (leftMs <= 0) return { ...named, stepDays: 0, daysLeft }
  const stepDays = EXPIRY_STEPS_DAYS.findLast((days) => leftMs <= days * DAY_MS)
  if (stepDays === undefined || leftMs > halfLifeMs) return undefined
  return { ...named, stepDays, daysLeft }
}
