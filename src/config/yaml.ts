import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { ConfigError, errorText, fileProblem } from '../lib/index.ts'

/** What a YAML file holds, not yet checked. @throws ConfigError naming the file */
export function readYaml(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(path, fileProblem(error), { cause: error })
  }
  try {
    return parse(text, { prettyErrors: true })
  } catch (error) {
    throw new ConfigError(path, `is no YAML: ${firstLine(errorText(error))}`, { cause: error })
  }
}

/** The parser goes on to draw the place. */
function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/:$/, '')
}
