import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

const LOG = new URL('../../src/lib/log.ts', import.meta.url)

/** What a process of its own writes to its standard output with this at its end. */
function outputOf(end: string): Promise<string[]> {
  const script = `import { createLog } from '${LOG}'
    const log = createLog()
    for (let line = 0; line < 1_000; line += 1) log.info('line.' + line)
    ${end}`
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '--eval', script], (_, stdout) => {
      const lines = stdout.trimEnd().split('\n')
      resolve(lines.map((line) => JSON.parse(line).event))
    })
  })
}

const ALL = Array.from({ length: 1_000 }, (_, line) => `line.${line}`)

test.each([
  ['runs to its end', ''],
  ['is told to exit', 'process.exit(1)'],
  ['fails', "throw new Error('unexpected')"],
])('the lines of a process that %s are all there, in order', async (_, end) => {
  expect(await outputOf(end)).toEqual(ALL)
})
