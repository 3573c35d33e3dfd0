/** Times as the details of refusals say them, which are for people. */

/** The last time that `Date` knows, ECMA-262 21.4.1.1; a claim may name a later one. */
const MAX_DATE_MS = 8.64e15

/** RFC 3339 in UTC: `2030-01-01T12:00:00.000Z`; what is beyond all dates stays in Unix seconds. */
export function formatTime(seconds: number): string {
  const ms = seconds * 1000
  return Math.abs(ms) <= MAX_DATE_MS ? new Date(ms).toISOString() : `${seconds} (Unix seconds)`
}

/** A duration in seconds, to the millisecond: `8.282 s`. */
export function formatSeconds(seconds: number): string {
  return `${Math.round(seconds * 1000) / 1000} s`
}
