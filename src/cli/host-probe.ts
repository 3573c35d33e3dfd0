import type { Command } from 'commander'
import { z } from 'zod'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { ExitCode, printJson, printTable, say } from './output.ts'

/** What the API says of how a host stands; what else it says is left in it, for `--json`. */
export const hostStanding = z.looseObject({
  state: z.string(),
  reason: z.string().optional(),
  hint: z.string().optional(),
  states: z.array(
    z.looseObject({
      node: z.string(),
      state: z.string(),
      since: z.string(),
      reason: z.string().optional(),
      detail: z.string().optional(),
      hint: z.string().optional(),
      issues: z.array(z.string()),
      address: z.string().optional(),
      connectMs: z.int().optional(),
      answerMs: z.int().optional(),
      security: z.string().optional(),
      certificate: z.looseObject({ notAfter: z.string() }).optional(),
    }),
  ),
})
type Finding = z.output<typeof hostStanding>['states'][number]

export function registerProbe(host: Command): void {
  addApiOptions(
    host
      .command('probe')
      .description('has every node look at a host now, opted in or not')
      .argument('<host>', 'its id')
      .option('--json', 'the host, with all that was found, as JSON')
      .addHelpText('after', HELP),
  ).action(probe)
}

const HELP = `
Exit code 0 when a node finds it ready, 1 when none does, 3 when no node answers.

Example:
  portcullis host probe hv1`

async function probe(
  id: string,
  { json, ...options }: ApiOptions & { json?: boolean },
): Promise<void> {
  const path = `/v1/hosts/${encodeURIComponent(id)}/probe`
  const found = await callApi(await findApi(options), 'POST', path, { answer: hostStanding })
  const { states } = found
  if (json) printJson(found)
  else printFindings(states)
  if (states.some(({ state }) => state === 'ready')) return
  const [first] = states
  process.exitCode = first === undefined ? ExitCode.noAnswer : ExitCode.refused
  if (first === undefined) say('portcullis: no node has answered')
  else say(`portcullis: ${first.reason ?? first.state}: no node finds host ${id} ready`)
}

/** A table, and what to do about it beside it. */
export function printFindings(findings: Finding[]): void {
  printTable(
    [
      ...['NODE', 'STATE', 'SINCE', 'ADDRESS', 'CONNECT', 'ANSWER'],
      ...['SECURITY', 'CERTIFICATE UNTIL', 'SEEN'],
    ],
    findings.map((finding) => {
      const { node, state, since, address, security, certificate, detail } = finding
      return [
        ...[node, state, since, address ?? '-'],
        ...[formatMs(finding.connectMs), formatMs(finding.answerMs)],
        ...[security ?? '-', certificate?.notAfter.slice(0, 10) ?? '-', detail ?? '-'],
      ]
    }),
  )
  for (const { node, hint, issues } of findings) {
    if (hint !== undefined) say(`${node}: ${hint}`)
    for (const issue of issues) say(`${node}: ${issue}`)
  }
}

function formatMs(ms: number | undefined): string {
  return ms === undefined ? '-' : `${ms} ms`
}
