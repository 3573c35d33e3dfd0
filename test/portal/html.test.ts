import fc from 'fast-check'
import { expect, test } from 'vitest'
import { html } from '../../src/portal/html.ts'

test('text in a template cannot become markup', () => {
  const name = `"><script>alert('x')</script>&amp;`
  expect(html`<p title="${name}">${name}</p>`.toString()).toBe(
    '<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;">' +
      '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;</p>',
  )
})

test('a template inside a template is kept, and lists are joined', () => {
  const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`)
  expect(html`<ul>${items}</ul>`.toString()).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>')
})

test('undefined and false leave nothing, zero and the empty text stay themselves', () => {
  expect(html`[${undefined}${false}${0}${''}]`.toString()).toBe('[0]')
})

test('any text survives escaping and holds no character of markup', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = html`${text}`.toString()
      expect(escaped).not.toMatch(/[<>"']/)
      expect(decodeEntities(escaped)).toBe(text)
    }),
  )
})

function decodeEntities(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
