import { escapeHtml } from '../../lib/index.ts'
import type { Row } from '../bench.ts'
import type { LogLine } from '../log-book.ts'
import { type LabResult, type ScenarioResult, verdictOf } from '../run.ts'
import { STYLE } from './style.ts'
import { describeLog, referencesOf } from './words.ts'

/** Heads of the table, and of each field where it has no room. */
const COLUMNS = {
  client: 'Client',
  clock: 'Clock, UTC',
  saw: 'What the client saw',
  log: 'What the log says',
  reference: 'Reference',
}

const GROUPS: Record<string, string> = {
  'set-up': 'Before all else',
  times: 'Times and clocks',
  replay: 'The same token again',
  reconnect: 'Coming back after a drop',
  endings: 'Ended sessions',
  targets: 'What a token opens',
  issuers: 'Who has signed',
  agent: 'At a host agent',
  'broker-away': 'Without a broker',
  altered: 'Altered tokens',
  algorithms: 'Tricks with algorithms',
}

/** The whole result as one page that needs nothing else. */
export function renderHtml(result: LabResult): string {
  const { scenarios, seed, startMs, gateway } = result
  const rows = scenarios.flatMap((scenario) => scenario.rows)
  const ofVerdict = Object.groupBy(scenarios, verdictOf)
  const { fail: failed = [], skip: skipped = [] } = ofVerdict
  const verdict = wordsFor(result, failed.length)
  const groups = groupsOf(scenarios.filter((of) => of.rows.length > 0 || of.error !== undefined))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Expiry laboratory: ${verdict}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Expiry laboratory</h1>
<p class="verdict ${result.passed ? 'ok' : 'fail'}">${verdict}</p>
<dl>
${gateway === undefined ? '' : `<div><dt>Gateway</dt><dd>${escapeHtml(gateway)}</dd></div>`}
<div><dt>Scenarios</dt><dd>${scenarios.length - skipped.length}</dd></div>
${skipped.length === 0 ? '' : `<div><dt>Left out</dt><dd><a href="#left-out">${skipped.length}</a></dd></div>`}
<div><dt>Clients</dt><dd>${rows.length}</dd></div>
<div><dt>Started</dt><dd>${escapeHtml(timeOf(startMs))}</dd></div>
<div><dt>Seed</dt><dd>${seed}</dd></div>
</dl>
<p>Each row is one client: what it saw, read from the bytes that the gateway sent, beside what the
log of node or host agent says of the same connection. Both are compared with what should be; neither is filled in from it.
${gateway === undefined ? "The clock is the laboratory's." : 'Times are real.'}</p>
${renderFailed(failed)}
${renderContents(groups)}
</header>
<main>
${groups.map(renderGroup).join('\n')}
${renderSkipped(skipped)}
</main>
</body>
</html>
`
}

function wordsFor({ passed, interrupted }: LabResult, failed: number): string {
  if (passed) return 'All as expected'
  const words = failed === 0 ? 'nothing else than expected' : `${failed} not as expected`
  return interrupted ? `Interrupted; ${words} so far` : words
}

function renderSkipped(skipped: ScenarioResult[]): string {
  if (skipped.length === 0) return ''
  const items = skipped.map(
    ({ name, title, skipped: why = '' }) =>
      `<li>${escapeHtml(title)} <code>${escapeHtml(name)}</code><br><span class="quiet">${escapeHtml(why)}</span></li>`,
  )
  return `<section id="left-out">
<h2>Left out</h2>
<article class="skip"><ul>${items.join('\n')}</ul></article>
</section>`
}

function renderFailed(failed: ScenarioResult[]): string {
  if (failed.length === 0) return ''
  const items = failed.map(
    ({ name, title }) => `<li><a href="#${escapeHtml(name)}">${escapeHtml(title)}</a></li>`,
  )
  return `<nav aria-label="Not as expected"><ul>${items.join('')}</ul></nav>`
}

type Group = [name: string, scenarios: ScenarioResult[]]

function groupsOf(scenarios: ScenarioResult[]): Group[] {
  return Object.entries(Object.groupBy(scenarios, groupOf)).map(([name, of = []]) => [name, of])
}

function groupOf({ name }: ScenarioResult): string {
  return name.split('.')[0] ?? ''
}

function titleOf([name]: Group): string {
  return escapeHtml(GROUPS[name] ?? name)
}

/** The page is long, and on a telephone very long. */
function renderContents(groups: Group[]): string {
  if (groups.length < 2) return ''
  const items = groups.map(
    (group) =>
      `<li><a href="#group-${escapeHtml(group[0])}">${titleOf(group)}</a> <span class="quiet">${group[1].length}</span></li>`,
  )
  return `<nav aria-label="Contents"><ul class="contents">${items.join('')}</ul></nav>`
}

function renderGroup(group: Group): string {
  const [name, scenarios] = group
  return `<section id="group-${escapeHtml(name)}">
<h2>${titleOf(group)}</h2>
${scenarios.map(renderScenario).join('\n')}
</section>`
}

function renderScenario(scenario: ScenarioResult): string {
  const { name, title, rows, brokerLog, error } = scenario
  const verdict = verdictOf(scenario)
  return `<article id="${escapeHtml(name)}" class="${verdict}">
<h3><span class="mark">${verdict}</span> ${escapeHtml(title)} <code>${escapeHtml(name)}</code></h3>
${error === undefined ? '' : `<p class="fault">Broken off: ${escapeHtml(error)}</p>`}
<div class="scroll"><table>
<thead><tr>${Object.values(COLUMNS)
    .map((head) => `<th>${head}</th>`)
    .join('')}</tr></thead>
<tbody>
${rows.map(renderRow).join('\n')}
</tbody>
</table></div>
${renderLines('Log of the broker', brokerLog)}
</article>`
}

function renderRow(row: Row): string {
  const { what, atMs, node, connectionId, client, tookMs, log, faults } = row
  const references = referencesOf(row).map((ref) => `<b>${escapeHtml(ref)}</b><br>`)
  const lines = log?.lines ?? []
  const isReason = ({ fields }: LogLine): boolean => fields.reason === log?.reason
  const { error } = lines.findLast(isReason)?.fields ?? {}
  return `<tr class="${faults.length === 0 ? 'ok' : 'fail'}">
<th scope="row">${escapeHtml(what)}</th>
<td class="number" data-head="${COLUMNS.clock}">${timeOf(atMs).replace(' ', '<br>')}</td>
<td data-head="${COLUMNS.saw}"><b class="${client.outcome}">${client.outcome}</b> at ${client.step} <span class="quiet">${tookMs} ms</span><br>${escapeHtml(client.text)}
${faults.map((fault) => `<p class="fault">${escapeHtml(fault)}</p>`).join('')}</td>
<td data-head="${COLUMNS.log}"><b>${escapeHtml(describeLog(log))}</b> <span class="quiet">${escapeHtml(log?.by ?? node)}</span>
${typeof error === 'string' ? `<br>${escapeHtml(error)}` : ''}
${renderLines(`${lines.length} lines`, lines)}</td>
<td data-head="${COLUMNS.reference}">${references.join('')}<span class="id">${escapeHtml(connectionId)}</span></td>
</tr>`
}

function renderLines(summary: string, lines: LogLine[]): string {
  if (lines.length === 0) return ''
  const text = lines.map(({ atMs, level, event, fields }) => {
    const parts = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`)
    return [timeOf(atMs), level, event, ...parts].join(' ')
  })
  return `<details><summary>${escapeHtml(summary)}</summary><pre>${escapeHtml(text.join('\n'))}</pre></details>`
}

function textOf(value: unknown): string {
  return typeof value === 'string' && !value.includes(' ') ? value : JSON.stringify(value)
}

function timeOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '')
}
