import type { KeyEvent } from './wire/input.ts'

/** What a key press means to the echo line. */
export type Keystroke = { kind: 'text'; text: string } | { kind: 'backspace' } | { kind: 'enter' }

/** Set 1 scan codes of a US keyboard: without and with shift. */
const ROWS: readonly { first: number; plain: string; shifted: string }[] = [
  { first: 0x02, plain: '1234567890-=', shifted: '!@#$%^&*()_+' },
  { first: 0x10, plain: 'qwertyuiop[]', shifted: 'QWERTYUIOP{}' },
  { first: 0x1e, plain: "asdfghjkl;'`", shifted: 'ASDFGHJKL:"~' },
  { first: 0x2b, plain: '\\zxcvbnm,./', shifted: '|ZXCVBNM<>?' },
  { first: 0x37, plain: '*', shifted: '*' },
  { first: 0x39, plain: ' ', shifted: ' ' },
  { first: 0x47, plain: '789-456+1230.', shifted: '789-456+1230.' },
]

const BACKSPACE = 0x0e
const ENTER = 0x1c
const LEFT_SHIFT = 0x2a
const RIGHT_SHIFT = 0x36
/** Keys that say nothing by themselves: Ctrl, Alt, Caps Lock, Num Lock, Scroll Lock. */
const SILENT = new Set([0x1d, 0x38, 0x3a, 0x45, 0x46])

const NAMED = new Map([
  [0x01, 'Esc'],
  [0x0f, 'Tab'],
  ...Array.from({ length: 10 }, (_, index): [number, string] => [0x3b + index, `F${index + 1}`]),
  [0x57, 'F11'],
  [0x58, 'F12'],
])
const NAMED_EXTENDED = new Map([
  [0x35, '/'],
  [0x47, 'Home'],
  [0x48, 'Up'],
  [0x49, 'PgUp'],
  [0x4b, 'Left'],
  [0x4d, 'Right'],
  [0x4f, 'End'],
  [0x50, 'Down'],
  [0x51, 'PgDn'],
  [0x52, 'Ins'],
  [0x53, 'Del'],
])

/** Turns key events into keystrokes; remembers which shift keys are down. */
export class Keyboard {
  readonly #shifts = new Set<number>()

  /** @returns undefined for releases and for keys that type nothing */
  press(event: KeyEvent): Keystroke | undefined {
    if (event.kind === 'unicode') {
      return event.released ? undefined : textStroke(String.fromCharCode(event.codeUnit))
    }
    const { code, extended, released } = event
    if (!extended && (code === LEFT_SHIFT || code === RIGHT_SHIFT)) {
      if (released) this.#shifts.delete(code)
      else this.#shifts.add(code)
      return undefined
    }
    if (released || SILENT.has(code)) return undefined
    if (code === ENTER) return { kind: 'enter' }
    if (extended) return { kind: 'text', text: keyName(NAMED_EXTENDED.get(code), `e0${hex(code)}`) }
    if (code === BACKSPACE) return { kind: 'backspace' }
    const text = this.#characterOf(code) ?? keyName(NAMED.get(code), hex(code))
    return { kind: 'text', text }
  }

  #characterOf(code: number): string | undefined {
    const row = ROWS.find(({ first, plain }) => code >= first && code < first + plain.length)
    if (row === undefined) return undefined
    return (this.#shifts.size > 0 ? row.shifted : row.plain).charAt(code - row.first)
  }
}

/** Only printable ASCII reaches the screen. */
function textStroke(character: string): Keystroke | undefined {
  if (character === '\r' || character === '\n') return { kind: 'enter' }
  if (character === '\b') return { kind: 'backspace' }
  return /^[\x20-\x7e]$/.test(character) ? { kind: 'text', text: character } : undefined
}

function keyName(name: string | undefined, code: string): string {
  return name?.length === 1 ? name : `<${name ?? code}>`
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0')
}
