import { expect, test } from 'vitest'
import type { Domain } from '../../src/cli/libvirt-domain.ts'
import { type LibvirtRowsInput, libvirtRows } from '../../src/cli/libvirt-rows.ts'
import { DB_UUID, WEB_UUID } from './libvirt-xml.ts'

const web: Domain = {
  name: 'web',
  uuid: WEB_UUID,
  graphics: [{ type: 'vnc', port: 5901, autoport: false, listen: '0.0.0.0' }],
}

const rowsOf = (change: Partial<LibvirtRowsInput> = {}) =>
  libvirtRows({
    domains: [web],
    host: { id: 'kvm1', kind: 'agent' },
    known: [],
    tenant: 'acme',
    ids: 'uuid',
    ...change,
  })

test('an agent finds the machine by its uuid, so it gets no port', () => {
  expect(rowsOf()).toEqual({
    rows: [{ id: WEB_UUID, name: 'web', tenant: 'acme', host: 'kvm1', guid: WEB_UUID }],
    notes: [],
  })
  const { rows } = rowsOf({ domains: [{ ...web, title: 'Web 1' }], ids: 'name' })
  expect(rows).toMatchObject([{ id: 'web', name: 'Web 1' }])
})

test('a node dials the port of its console, where that is the kind of the host', () => {
  const vnc = { id: 'kvm1', kind: 'vnc' }
  expect(rowsOf({ host: vnc })).toMatchObject({ rows: [{ port: 5901 }], notes: [] })
  expect(rowsOf({ host: { id: 'vb1', kind: 'rdp' } })).toEqual({
    rows: [],
    notes: ['web: left out, has no rdp console'],
  })
  const off: Domain = { ...web, graphics: [{ type: 'vnc', autoport: true }] }
  expect(rowsOf({ host: vnc, domains: [off] })).toEqual({
    rows: [],
    notes: ['web: left out, its vnc console has no port now'],
  })
  const local: Domain = { ...web, graphics: [{ type: 'vnc', port: 5900, autoport: true }] }
  const { rows, notes } = rowsOf({ host: vnc, domains: [local] })
  expect(rows).toMatchObject([{ port: 5900 }])
  expect(notes).toEqual([
    'web: its vnc port may be another at its next start (autoport)',
    "web: its vnc console listens on 127.0.0.1, where only this host's own programs reach it",
  ])
})

test('a machine that is known keeps id, tenant and address, whatever it is called now', () => {
  const known = [
    { id: 'w1', tenant: 'globex', guid: WEB_UUID, address: 'web.example' },
    { id: 'x', tenant: 'acme' },
  ]
  const domains = [{ ...web, name: 'renamed' }]
  expect(rowsOf({ known, domains, ids: 'name', tenant: undefined }).rows).toEqual([
    {
      id: 'w1',
      name: 'renamed',
      tenant: 'globex',
      host: 'kvm1',
      guid: WEB_UUID,
      address: 'web.example',
    },
  ])
})

test('a new machine never takes the id of another, and needs a tenant', () => {
  const known = [{ id: 'web', tenant: 'globex', guid: DB_UUID }]
  expect(() => rowsOf({ known, ids: 'name' })).toThrow('web: another machine has the id web')
  expect(rowsOf({ known }).rows).toHaveLength(1)
  expect(() => rowsOf({ tenant: undefined })).toThrow('web: a new machine, need --tenant')
})
