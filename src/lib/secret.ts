import { inspect } from 'node:util'

/**
 * A token, cookie, password or API key that cannot be printed by accident: string conversion,
 * JSON and `util.inspect` all show `[secret]`. Only `reveal()` gives the text.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  get length(): number {
    return this.#text.length
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
