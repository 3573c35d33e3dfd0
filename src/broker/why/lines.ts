import { z } from 'zod'
import type { TimelineEntry } from '../../store/index.ts'
import { happeningOf } from '../told-twice.ts'

/** What a kept line may say; the names are those of the log. */
const fields = z.object({
  reason: z.string().optional(),
  code: z.string().optional(),
  error: z.string().optional(),
  method: z.string().optional(),
  path: z.string().optional(),
  presentation: z.string().optional(),
  vm: z.string().optional(),
  tenant: z.string().optional(),
  user: z.string().optional(),
  host: z.string().optional(),
  node: z.string().optional(),
  agent: z.string().optional(),
  toldBy: z.string().optional(),
  tunnel: z.string().optional(),
  transport: z.string().optional(),
  remoteAddress: z.string().optional(),
  address: z.string().optional(),
  askedBy: z.string().optional(),
  expiresAt: z.string().optional(),
  lost: z.string().optional(),
  bytesIn: z.number().optional(),
  bytesOut: z.number().optional(),
  durationMs: z.number().optional(),
  consentAsked: z.boolean().optional(),
  text: z.string().optional(),
})

/** One line of a timeline, read back. */
export interface Line extends z.output<typeof fields> {
  atMs: number
  event: string
  verified: boolean
}

/** The lines in the order of time; what both broker and node tell comes once, in the broker's words. */
export function readLines(entries: readonly TimelineEntry[]): Line[] {
  const lines = entries.map(({ atMs, event, verified, body }) => ({
    ...readFields(body),
    ...{ atMs, event, verified },
  }))
  const named = lines.some(({ event }) => event === 'console.refused')
  const nameOf = (line: Line) => happeningOf(line.event, line)
  const ours = new Set(lines.filter(({ toldBy }) => toldBy === undefined).map(nameOf))
  return lines.filter((line) => {
    if (line.event === 'request.refused') return !named
    const name = nameOf(line)
    return line.toldBy === undefined || name === undefined || !ours.has(name)
  })
}

/** A line that another version has written differently says only when and what. */
function readFields(body: string): z.output<typeof fields> {
  try {
    return fields.parse(JSON.parse(body))
  } catch {
    return {}
  }
}
