import { chmodSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { readDomains } from '../../src/cli/libvirt.ts'
import { DB_UUID, domainXml, WEB_UUID } from './libvirt-xml.ts'
import { writeFiles } from './run-command.ts'

const namesOf = async (...of: Parameters<typeof readDomains>) =>
  (await readDomains(...of)).map(({ name }) => name)

/** A `virsh` first in the path, that answers as the script says. */
function installVirsh(script: string): void {
  const { virsh, directory } = writeFiles({ virsh: `#!/bin/sh\n${script}\n` })
  chmodSync(virsh, 0o755)
  const before = process.env.PATH
  process.env.PATH = `${directory}:${before}`
  onTestFinished(() => {
    process.env.PATH = before
  })
}

test('reads a file, or every XML file of a directory', async () => {
  const files = writeFiles({
    'a.xml': domainXml({ name: 'web', uuid: WEB_UUID }),
    'b.xml': domainXml({ name: 'db', uuid: DB_UUID }),
    'notes.txt': 'nothing of this',
  })
  expect(await namesOf(files.directory)).toEqual(['web', 'db'])
  expect(await namesOf(files['b.xml'])).toEqual(['db'])
})

test('names what cannot be read', async () => {
  const files = writeFiles({ 'a.xml': domainXml({ name: 'web', uuid: WEB_UUID }), 'b.xml': '<x' })
  const read = (path: string) => expect(readDomains(path)).rejects
  await read(files.directory).toThrow(`${files['b.xml']}: is no XML`)
  await read('/nowhere').toThrow('--libvirt /nowhere: there is no such file or directory')
  await read(writeFiles({ x: '' }).directory).toThrow('no *.xml in it')
  await expect(readDomains(files['a.xml'], 'qemu:///system')).rejects.toThrow('--connect')
})

test('asks virsh, through no shell, on the connection that is wanted', async () => {
  installVirsh(`case "$*" in
    '--connect=qemu:///a b;c --readonly --quiet list --all --uuid') printf '%s\\n\\n' ${WEB_UUID} ${DB_UUID};;
    '--connect=qemu:///a b;c --readonly --quiet dumpxml '*) cat <<XML
${domainXml({ name: 'vm-$5', uuid: '$5' })}
XML
    ;;
    *) echo "error: $*" >&2; exit 1;;
  esac`)
  expect(await namesOf(undefined, 'qemu:///a b;c')).toEqual([`vm-${WEB_UUID}`, `vm-${DB_UUID}`])
  await expect(readDomains(undefined)).rejects.toMatchObject({
    code: 'ERR_NO_ANSWER',
    message: 'virsh list --all --uuid: error: --readonly --quiet list --all --uuid',
  })
})

test('takes no word of virsh for a machine that is none', async () => {
  installVirsh('echo --help')
  await expect(readDomains(undefined)).rejects.toThrow('something else than UUIDs')
})

test('says when virsh is not installed', async () => {
  const before = process.env.PATH
  process.env.PATH = writeFiles({ x: '' }).directory
  onTestFinished(() => {
    process.env.PATH = before
  })
  await expect(readDomains(undefined)).rejects.toThrow('the program is not installed here')
})
