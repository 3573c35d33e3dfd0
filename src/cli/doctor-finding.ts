import type { CheckedConfig, ReadResult } from '../config/index.ts'

/** What is looked at, in the order of the report. */
export const DOCTOR_AREAS = [
  'versions',
  'configuration',
  'certificates',
  'files',
  'trust',
  'names',
  'ports',
  'clock',
] as const
export type DoctorArea = (typeof DOCTOR_AREAS)[number]

/** One thing that was looked at, and the one thing to do when it isn't right. */
export interface DoctorFinding {
  area: DoctorArea
  /** An error fails now or soon, or gives a key away; `no-answer` is an error of another machine. */
  severity: 'ok' | 'warning' | 'error' | 'no-answer'
  /** The setting, the name or the address that it is about. */
  subject: string
  message: string
  fix?: string
}

type ConfigOf<Checked> = Checked extends { role: infer Role; result: ReadResult<infer Config> }
  ? { role: Role; config: Config }
  : never

/** A configuration without faults, with its role. */
export type RoleConfig = ConfigOf<CheckedConfig>

/** Findings of one area. */
export function inArea(area: DoctorArea) {
  return {
    ok: (subject: string, message: string): DoctorFinding => ({
      area,
      severity: 'ok',
      subject,
      message,
    }),
    warning: (subject: string, message: string, fix: string): DoctorFinding => ({
      area,
      severity: 'warning',
      subject,
      message,
      fix,
    }),
    error: (subject: string, message: string, fix: string): DoctorFinding => ({
      area,
      severity: 'error',
      subject,
      message,
      fix,
    }),
    noAnswer: (subject: string, message: string, fix: string): DoctorFinding => ({
      area,
      severity: 'no-answer',
      subject,
      message,
      fix,
    }),
  }
}
