import { expect, test } from 'vitest'
import { Refusal, Secret } from '../../src/lib/index.ts'
import { parsePreconnectionText, renderPreconnectionText } from '../../src/tokens/index.ts'
import { VM_GUID } from './minting.ts'

test('reads what it renders', () => {
  const text = renderPreconnectionText({ vmGuid: VM_GUID, hostToken: new Secret('a.b-c.d_e') })
  expect(text.reveal()).toBe(`${VM_GUID};Token=a.b-c.d_e`)
  const { vmGuid, hostToken } = parsePreconnectionText(text)
  expect([vmGuid, hostToken.reveal()]).toEqual([VM_GUID, 'a.b-c.d_e'])
})

test('gives the GUID in lower case', () => {
  const text = new Secret(`${VM_GUID.toUpperCase()};Token=a.b.c`)
  expect(parsePreconnectionText(text).vmGuid).toBe(VM_GUID)
})

test('refuses every other text', () => {
  for (const text of [
    '',
    VM_GUID,
    `${VM_GUID};EnhancedMode=1`,
    `${VM_GUID};Token=`,
    `${VM_GUID};Token=a b`,
    `${VM_GUID};Token=a.b`,
    `${VM_GUID};Token=a..c`,
    `${VM_GUID};token=a.b.c`,
    `${VM_GUID};Token=a.b.c;Token=d.e.f`,
    `${VM_GUID};Token=a.b.c\n`,
    `${VM_GUID};Token=a.b.c;EnhancedMode=1`,
    ` ${VM_GUID};Token=a.b.c`,
    `{${VM_GUID}};Token=a.b.c`,
    ';Token=a.b.c',
    'Token=a.b.c',
  ]) {
    expect(() => parsePreconnectionText(new Secret(text)), text).toThrow(Refusal)
  }
})
