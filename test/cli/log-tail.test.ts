import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { tailLines } from '../../src/cli/log-tail.ts'
import { eventually } from '../helpers/eventually.ts'
import { writeFiles } from './run-command.ts'

function tail(text: string): {
  path: string
  lines: string[]
  until: (...due: string[]) => unknown
} {
  const path = writeFiles({ log: text }).log
  const lines: string[] = []
  const tail = tailLines(path, '--node-log', (line) => lines.push(line))
  onTestFinished(() => tail.close())
  const until = (...due: string[]) =>
    eventually(due.join(), () => JSON.stringify(lines) === JSON.stringify(due))
  return { path, lines, until }
}

test('gives the lines that come from now on, whole', async () => {
  const { path, until } = tail('old\nhal')
  appendFileSync(path, 'f\none\ntw')
  await until('f', 'one')
  appendFileSync(path, 'o\n')
  await until('f', 'one', 'two')
})

test('goes on in a file that was cut or replaced', async () => {
  const { path, until } = tail('old\n')
  truncateSync(path)
  writeFileSync(`${path}.next`, 'one\n')
  renameSync(`${path}.next`, path)
  await until('one')
  appendFileSync(path, 'two\n')
  await until('one', 'two')
})

test('a file that is not there is a wrong option', () => {
  expect(() => tailLines('/nowhere/gw1.log', '--node-log', () => {})).toThrow(
    '--node-log /nowhere/gw1.log: there is no such file or directory',
  )
})
