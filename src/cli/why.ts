import type { Command } from 'commander'
import { z } from 'zod'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { referenceInFileName } from './file-reference.ts'
import { print, printable, printJson } from './output.ts'

const whyAnswer = z.object({
  ref: z.string().optional(),
  state: z.string(),
  summary: z.string(),
  reason: z.string().optional(),
  cause: z.string().optional(),
  fix: z.string().optional(),
  console: z
    .object({ vm: z.string(), tenant: z.string(), user: z.string(), host: z.string() })
    .optional(),
  timeline: z.array(
    z.object({ time: z.string(), source: z.string(), text: z.string(), verified: z.boolean() }),
  ),
})
type Why = z.output<typeof whyAnswer>

export function register(program: Command): void {
  addApiOptions(
    program
      .command('why')
      .description('what became of a console, or why somebody was told no: cause and fix')
      .argument(
        '<reference>',
        'as the user has it, 7K3M-Q2XD, or the name of its file, or the jti in a line of a log',
      )
      .option('--json', 'the same as JSON, with all fields')
      .addHelpText('after', '\nExample:\n  portcullis why 7K3M-Q2XD'),
  ).action(why)
}

async function why(wanted: string, options: ApiOptions & { json?: boolean }): Promise<void> {
  const reference = referenceInFileName(wanted) ?? wanted
  const path = `/v1/why/${encodeURIComponent(reference)}`
  const api = await findApi(options)
  if (options.json) printJson(await callApi(api, 'GET', path, { answer: z.unknown() }))
  else print(render(await callApi(api, 'GET', path, { answer: whyAnswer }), reference))
}

function render(account: Why, reference: string): string {
  const { ref = reference, state, summary, reason, cause, fix, console, timeline } = account
  const about =
    console === undefined
      ? ''
      : `: console of ${console.vm} (tenant ${console.tenant}) at ${console.host}, for ${console.user}`
  const width = Math.max(...timeline.map(({ source }) => source.length))
  return [
    `${ref}${about}`,
    `${state}${reason === undefined ? '' : `, ${reason}`}: ${summary}`,
    ...(cause === undefined ? [] : ['', `Likely cause: ${cause}`]),
    ...(fix === undefined ? [] : [`What to do:   ${fix}`]),
    '',
    ...timeline.map(({ time, source, text }) => `${time}  ${source.padEnd(width)}  ${text}`),
  ]
    .map(printable)
    .join('\n')
}
