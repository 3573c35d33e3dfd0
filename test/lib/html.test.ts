import { expect, test } from 'vitest'
import { escapeHtml } from '../../src/lib/index.ts'

test('leaves no character that ends a text or a quoted attribute', () => {
  expect(escapeHtml(`<b title="a" id='b'>&amp;</b>`)).toBe(
    '&lt;b title=&quot;a&quot; id=&#39;b&#39;&gt;&amp;amp;&lt;/b&gt;',
  )
  expect(escapeHtml('plain – text')).toBe('plain – text')
})
