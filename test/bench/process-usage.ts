import { readFileSync } from 'node:fs'

/** Of `/proc`: the kernel's clock tick, USER_HZ, is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100
/** Fields 14 and 15 of proc_pid_stat(5); what follows the name in brackets begins with field 3. */
const UTIME = 14 - 3
const STIME = 15 - 3

/** CPU time of a process so far, all its threads, user and system. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND
}

/** Resident memory of a process. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(match?.[1]) * 1024
}
