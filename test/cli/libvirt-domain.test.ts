import { expect, test } from 'vitest'
import { parseDomains } from '../../src/cli/libvirt-domain.ts'
import { DB_UUID, domainXml, WEB_UUID } from './libvirt-xml.ts'

test('reads name, uuid, title and every sort of console', () => {
  const xml = domainXml({
    name: '0042',
    uuid: WEB_UUID.toUpperCase(),
    title: 'R&amp;D &lt;web&gt; &amp;lt;',
    graphics: `<graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1'>
        <listen type='address' address='127.0.0.1'/>
      </graphics>
      <graphics type='rdp' port='3390' autoport='no' multiUser='yes'/>
      <graphics type='spice' port='-1' autoport='yes'/>`,
  })
  expect(parseDomains(xml)).toEqual([
    {
      name: '0042',
      uuid: WEB_UUID,
      title: 'R&D <web> &lt;',
      graphics: [
        { type: 'vnc', port: 5901, autoport: true, listen: '127.0.0.1' },
        { type: 'rdp', port: 3390, autoport: false },
        { type: 'spice', autoport: true },
      ],
    },
  ])
})

test('reads several after each other, and machines without any device', () => {
  const bare = `<domain type='test'><name>db</name><uuid>${DB_UUID}</uuid><devices/></domain>`
  const none = `<domain type='test'><name>x</name><uuid>${DB_UUID}</uuid></domain>`
  const both = domainXml({ name: 'web', uuid: WEB_UUID }) + bare + none
  expect(parseDomains(both).map(({ name, graphics }) => [name, graphics])).toEqual([
    ['web', []],
    ['db', []],
    ['x', []],
  ])
})

test.each([
  ['', 'description of a machine'],
  ['no XML', 'description of a machine'],
  ['<domain><name>x</domain>', 'is no XML'],
  ['<pool><name>x</name></pool>', 'description of a machine'],
  [domainXml({ name: 'web', uuid: '1' }), 'domain.0.uuid: need a UUID'],
  [domainXml({ name: '', uuid: WEB_UUID }), 'domain.0.name'],
  [`<!DOCTYPE d [<!ENTITY n "web">]>${domainXml({ name: '&n;', uuid: WEB_UUID })}`, 'declarations'],
  [`${'<a>'.repeat(5_000)}${'</a>'.repeat(5_000)}`, 'cannot be read'],
])('refuses %#', (xml, message) => {
  const expected = { code: 'ERR_USAGE', message: expect.stringContaining(message) }
  expect(() => parseDomains(xml)).toThrow(expect.objectContaining(expected))
})

test('an entity that nobody has declared is the text that it is', () => {
  const [domain] = parseDomains(domainXml({ name: '&file; &#65;', uuid: WEB_UUID }))
  expect(domain?.name).toBe('&file; &#65;')
})

test('what is full of declarations is refused at once', () => {
  const startedMs = performance.now()
  expect(() => parseDomains('<?xml'.repeat(100_000))).toThrow(/is no XML/)
  // 18 s where each of them looks for its end through all that follows.
  expect(performance.now() - startedMs).toBeLessThan(9_000)
})
