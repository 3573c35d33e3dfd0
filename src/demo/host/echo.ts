import type { Keystroke } from './keyboard.ts'
import { MAX_TYPED_CHARACTERS } from './limits.ts'

/** The line of typed keys: its last characters, emptied by Enter. */
export class Echo {
  /** One entry per keystroke, so that Backspace takes back `<F5>` as a whole. */
  #strokes: string[] = []

  get text(): string {
    return this.#strokes.join('').slice(-MAX_TYPED_CHARACTERS)
  }

  take(keystroke: Keystroke): void {
    if (keystroke.kind === 'enter') this.#strokes = []
    else if (keystroke.kind === 'backspace') this.#strokes.pop()
    else this.#strokes = [...this.#strokes, keystroke.text].slice(-MAX_TYPED_CHARACTERS)
  }
}
