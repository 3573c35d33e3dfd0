import { errorText } from '../lib/index.ts'
import { fault, type RdpFinding, warning } from './finding.ts'
import { decodeText, MAX_FILE_BYTES, MAX_SETTINGS, parseLine } from './parse.ts'
import type { RdpSetting } from './render.ts'

const REWRITE = 'write it as UTF-16LE with byte order mark and CR LF, as mstsc does'

export interface LintedLines {
  findings: RdpFinding[]
  /** Those that can be read all the same, of a duplicate the first; absent when it is no text at all. */
  settings?: RdpSetting[]
}

/** How a file is written. */
export function lintLines(bytes: Uint8Array): LintedLines {
  const findings = lintEncoding(bytes)
  const text = readText(bytes)
  if (text === undefined) return { findings }
  const lines = text.split('\n')
  if (lines.length > MAX_SETTINGS + 1) {
    const message = `file: ${lines.length} lines, may have ${MAX_SETTINGS}`
    findings.push(fault({ code: 'not-readable', message, fix: 'take a new file' }))
    return { findings }
  }
  if (lines.slice(0, -1).some((line) => !line.endsWith('\r'))) {
    const message = 'file: lines end with LF alone'
    findings.push(warning({ code: 'line-end', message, fix: REWRITE }))
  }
  const settings = new Map<string, RdpSetting>()
  for (const [index, line] of lines.entries()) {
    const found = lintLine(line.replace(/\r$/, ''), index + 1, settings)
    if (found !== undefined) findings.push(found)
  }
  return { findings, settings: [...settings.values()] }
}

/** Adds the line's setting to the others. */
function lintLine(
  text: string,
  line: number,
  settings: Map<string, RdpSetting>,
): RdpFinding | undefined {
  if (text.trim() === '') return undefined
  let setting: RdpSetting
  try {
    setting = parseLine(text, line)
  } catch (error) {
    const fix = 'write name:type:value, one setting in a line'
    return fault({ code: 'not-readable', line, message: errorText(error), fix })
  }
  const name = setting.name.toLowerCase()
  if (settings.has(name)) {
    return fault({
      code: 'duplicate',
      setting: name,
      line,
      message: `${name}: is there twice, and clients differ in which one counts`,
      fix: 'leave one of the lines',
    })
  }
  settings.set(name, setting)
  return undefined
}

function lintEncoding(bytes: Uint8Array): RdpFinding[] {
  try {
    decodeText(bytes)
  } catch (error) {
    return [fault({ code: 'encoding', message: errorText(error), fix: REWRITE })]
  }
  if (hasUtf16Mark(bytes)) return []
  const message = 'file: UTF-8, which not every client takes for anything but ASCII'
  return [warning({ code: 'encoding', message, fix: REWRITE })]
}

/** Also UTF-16LE whose mark is missing, so that the rest of the file can be looked at. */
function readText(bytes: Uint8Array): string | undefined {
  try {
    return decodeText(bytes)
  } catch {
    if (bytes[0] === 0 || bytes[1] !== 0 || bytes.length > MAX_FILE_BYTES) return undefined
    return Buffer.from(bytes).toString('utf16le')
  }
}

function hasUtf16Mark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xfe
}
