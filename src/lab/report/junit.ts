import { escapeHtml } from '../../lib/index.ts'
import { hasPassed, type LabResult, type ScenarioResult } from '../run.ts'
import { describeLog, referencesOf } from './words.ts'

/** One suite, a case for each scenario; names are stable, so that runs can be compared. */
export function renderJunit({ scenarios, seed }: LabResult): string {
  const failures = scenarios.filter((scenario) => !hasPassed(scenario) && !isBroken(scenario))
  const errors = scenarios.filter(isBroken)
  const seconds = secondsOf(scenarios.reduce((sum, { durationMs }) => sum + durationMs, 0))
  const counts = `tests="${scenarios.length}" failures="${failures.length}" errors="${errors.length}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="portcullis lab" ${counts} time="${seconds}">`,
    `<testsuite name="expiry" ${counts} skipped="0" time="${seconds}">`,
    `<properties><property name="seed" value="${seed}"/></properties>`,
    ...scenarios.map(renderCase),
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function renderCase(scenario: ScenarioResult): string {
  const { name, rows, error, durationMs } = scenario
  const [group, ...rest] = name.split('.')
  const attributes = `classname="expiry.${group}" name="${escapeXml(rest.join('.'))}"`
  const faults = rows.flatMap(({ what, faults }) => faults.map((fault) => `${what}: ${fault}`))
  return [
    `<testcase ${attributes} time="${secondsOf(durationMs)}">`,
    ...(error === undefined ? [] : [`<error message="${escapeXml(error)}"/>`]),
    ...(faults.length === 0
      ? []
      : [
          `<failure message="${escapeXml(faults[0] ?? '')}">${escapeXml(faults.join('\n'))}</failure>`,
        ]),
    `<system-out>${escapeXml(describeRows(scenario))}</system-out>`,
    '</testcase>',
  ].join('\n')
}

function describeRows({ title, rows }: ScenarioResult): string {
  const lines = rows.map((row) => {
    const { what, client, log, connectionId } = row
    const saw = `${client.outcome} at ${client.step}: ${client.text}`
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
