import { escapeHtml } from '../lib/index.ts'

/**
 * Markup that may be written to a page as it is. Only the `html` tag makes one, so text that came
 * from a person or from the store reaches a page in no other way than escaped.
 */
class Html {
  readonly #markup: string

  constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

export type { Html }

/** What a template may hold; `undefined` and `false` leave nothing behind. */
export type HtmlValue = Html | string | number | undefined | false | readonly HtmlValue[]

/**
 * A template whose values are escaped unless they are templates themselves. Safe between tags and
 * inside double-quoted attributes; never put a value into a tag name, a script or a style.
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  const parts = strings.map((part, index) => part + markupOf(values[index]))
  return new Html(parts.join(''))
}

function markupOf(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(markupOf).join('')
  return escapeHtml(String(value))
}
