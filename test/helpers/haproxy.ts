import { join } from 'node:path'
import { ENTRY } from './demo.ts'
import { eventually } from './eventually.ts'
import { accepts } from './ports.ts'
import { type RunningProgram, runProgram, START_MS, startProgram } from './programs.ts'

/**
 * HAProxy with what `farm render` writes into a directory, as soon as it listens.
 *
 * @param farm options that say where the farm is described
 */
export async function startRenderedHaproxy(
  directory: string,
  port: number,
  farm: string[],
): Promise<RunningProgram> {
  const render = ['farm', 'render', ...farm, '--out', directory]
  await runProgram(process.execPath, [ENTRY, ...render])
  const haproxy = startProgram('haproxy', ['-db', '-f', join(directory, 'haproxy.cfg')])
  try {
    await eventually('HAProxy listens', () => accepts(port), {
      ...{ timeoutMs: START_MS, context: haproxy.output },
    })
  } catch (error) {
    await haproxy.stop()
    throw error
  }
  return haproxy
}
