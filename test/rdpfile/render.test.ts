import { expect, test } from 'vitest'
import { renderRdpFile } from '../../src/rdpfile/index.ts'

test('writes UTF-16LE with byte order mark and CR LF', () => {
  const bytes = renderRdpFile([{ name: 'e', type: 's', value: 'ü' }])
  expect(Buffer.from(bytes).toString('hex')).toBe('fffe65003a0073003a00fc000d000a00')
})

test('refuses names and values that would read as something else', () => {
  const refused = [
    { name: 'a:s:b', type: 's', value: '' },
    { name: '', type: 's', value: '' },
    { name: ' a', type: 's', value: '' },
    { name: 'a', type: 's', value: 'x\ny' },
    { name: 'a', type: 's', value: 'x\u2028y' },
    { name: 'a', type: 's', value: '\ud800' },
    { name: 'a', type: 'i', value: '1.5' },
    { name: 'a', type: 'i', value: '' },
    { name: 'a', type: 'b', value: 'f' },
  ] as const
  for (const setting of refused) expect(() => renderRdpFile([setting])).toThrow()
})
