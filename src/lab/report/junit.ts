import { escapeHtml } from '../../lib/index.ts'
import { type LabResult, type ScenarioResult, verdictOf } from '../run.ts'
import { describeLog, referencesOf } from './words.ts'

/** One suite, a case for each scenario; names are stable, so that runs can be compared. */
export function renderJunit({ scenarios, seed, gateway }: LabResult): string {
  const errors = scenarios.filter(isBroken)
  const failures = scenarios.filter((scenario) => verdictOf(scenario) === 'fail')
  const skipped = scenarios.filter((scenario) => verdictOf(scenario) === 'skip')
  const seconds = secondsOf(scenarios.reduce((sum, { durationMs }) => sum + durationMs, 0))
  const counts = `tests="${scenarios.length}" failures="${failures.length - errors.length}" errors="${errors.length}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="portcullis lab" ${counts} time="${seconds}">`,
    `<testsuite name="expiry" ${counts} skipped="${skipped.length}" time="${seconds}">`,
    `<properties>${property('seed', String(seed))}${gateway === undefined ? '' : property('gateway', gateway)}</properties>`,
    ...scenarios.map(renderCase),
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function renderCase(scenario: ScenarioResult): string {
  const { name, rows, error, skipped, durationMs } = scenario
  const [group, ...rest] = name.split('.')
  const attributes = `classname="expiry.${group}" name="${escapeXml(rest.join('.'))}"`
  const faults = rows.flatMap(({ what, faults }) => faults.map((fault) => `${what}: ${fault}`))
  return [
    `<testcase ${attributes} time="${secondsOf(durationMs)}">`,
    ...(error === undefined ? [] : [`<error message="${escapeXml(error)}"/>`]),
    ...(verdictOf(scenario) === 'skip' ? [`<skipped message="${escapeXml(skipped ?? '')}"/>`] : []),
    ...(faults.length === 0
      ? []
      : [
          `<failure message="${escapeXml(faults[0] ?? '')}">${escapeXml(faults.join('\n'))}</failure>`,
        ]),
    `<system-out>${escapeXml(describeRows(scenario))}</system-out>`,
    '</testcase>',
  ].join('\n')
}

function property(name: string, value: string): string {
  return `<property name="${name}" value="${escapeXml(value)}"/>`
}

function describeRows({ title, rows }: ScenarioResult): string {
  const lines = rows.map((row) => {
    const { what, client, tookMs, log, connectionId } = row
    const saw = `${client.outcome} at ${client.step} after ${tookMs} ms: ${client.text}`
    const names = [...referencesOf(row).map((ref) => `ref ${ref}`), `connection ${connectionId}`]
    return `${what}: client ${saw}; log ${describeLog(log)}; ${names.join(', ')}`
  })
  return [title, ...lines].join('\n')
}

function isBroken({ error }: ScenarioResult): boolean {
  return error !== undefined
}

function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(3)
}

/** XML 1.0 has no place for most control characters, however they are written. */
function escapeXml(text: string): string {
  return escapeHtml(text.replaceAll(/[^\P{C}\n]/gu, '�'))
}
