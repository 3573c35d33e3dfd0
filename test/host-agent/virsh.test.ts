import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createVirshConsoles, parseDisplay } from '../../src/host-agent/virsh.ts'

const GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'

/** A program in place of `virsh`, which writes down its arguments. */
function virsh(script: string): { command: string; args: () => string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-virsh-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const command = join(directory, 'virsh')
  writeFileSync(command, `#!/bin/sh\nprintf '%s\\n' "$@" > ${directory}/args\n${script}\n`)
  chmodSync(command, 0o755)
  return { command, args: () => readFileSync(join(directory, 'args'), 'utf8').trim().split('\n') }
}

test('asks libvirt for the RDP display of the machine', async () => {
  const { command, args } = virsh('echo rdp://127.0.0.1:3391; echo')
  const consoles = createVirshConsoles({ command, uri: 'qemu:///system' })
  expect(await consoles.find(GUID)).toEqual({
    address: { host: '127.0.0.1', port: 3391 },
    proxy: false,
  })
  expect(args()).toEqual([
    ...['--readonly', '--connect', 'qemu:///system', 'domdisplay', '--type', 'rdp', GUID],
  ])
})

test.each([
  ['a machine it does not have', 'echo "error: failed to get domain" >&2; exit 1', 'vm-unknown'],
  ['one that is off', 'echo "error: Domain is not running" >&2; exit 1', 'host-unreachable'],
  ['one without RDP', 'echo', 'host-unreachable'],
  ['another kind of display', 'echo vnc://127.0.0.1:0', 'host-unreachable'],
  ['too much to say', 'yes rdp://127.0.0.1:3391', 'host-unreachable'],
])('%s is %3$s', async (_, script, reason) => {
  const { command } = virsh(script)
  const consoles = createVirshConsoles({ command, uri: 'qemu:///system' })
  await expect(consoles.find(GUID)).rejects.toMatchObject({ reason })
})

test('who asks for one machine many times at once costs one process, and the next time another', async () => {
  const { command, args } = virsh('echo asked >> "$0.count"; sleep 0.1; echo rdp://127.0.0.1:3391')
  const consoles = createVirshConsoles({ command, uri: 'qemu:///system' })
  const count = () => readFileSync(`${command}.count`, 'utf8').trim().split('\n').length
  const places = await Promise.all(Array.from({ length: 50 }, () => consoles.find(GUID)))
  expect(new Set(places.map(({ address }) => JSON.stringify(address))).size).toBe(1)
  expect(count()).toBe(1)
  await consoles.find(GUID)
  expect(count()).toBe(2)
  expect(args()).toContain(GUID)
})

test('a program that hangs, or is not there, is given up', async () => {
  const { command } = virsh('exec sleep 20')
  const hanging = createVirshConsoles({ command, uri: 'qemu:///system', timeoutMs: 100 })
  await expect(hanging.find(GUID)).rejects.toMatchObject({
    ...{ reason: 'host-unreachable', message: 'virsh: no answer within 100 ms' },
  })
  const absent = createVirshConsoles({ command: '/nonexistent/virsh', uri: 'qemu:///system' })
  await expect(absent.find(GUID)).rejects.toMatchObject({ reason: 'host-unreachable' })
})

test('takes no other text for an address', () => {
  expect(parseDisplay('rdp://[::1]:3389\n\n')).toEqual({ host: '::1', port: 3389 })
  expect(parseDisplay('rdp://localhost:3389')).toEqual({ host: 'localhost', port: 3389 })
  for (const text of ['', 'rdp://localhost', 'rdp://a:0', 'rdp://a:70000', 'rdp://u@a:1', 'x'])
    expect(parseDisplay(text), text).toBeUndefined()
})
