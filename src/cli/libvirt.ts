import { execFile } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BrokerError, errorText, fileProblem } from '../lib/index.ts'
import { readText } from './files.ts'
import { type Domain, parseDomains } from './libvirt-domain.ts'

const run = promisify(execFile)

const VIRSH_WITHIN_MS = 20_000
/** One description is about 10 kB. */
const MAX_XML_BYTES = 4 * 1024 * 1024
const MAX_DOMAINS = 10_000
const UUID_LINE = /^[0-9a-f-]{36}$/

/**
 * The machines of a libvirt host.
 *
 * @param path a file with domain XML or a directory of such files (`*.xml`); undefined: ask virsh
 * @param connect virsh's connection URI
 * @throws BrokerError `ERR_USAGE` naming the file; `ERR_NO_ANSWER` when virsh is missing or fails
 */
export async function readDomains(path: string | undefined, connect?: string): Promise<Domain[]> {
  if (path === undefined) return askVirsh(connect)
  if (connect !== undefined) {
    throw new BrokerError('ERR_USAGE', '--connect: only where --libvirt names no files')
  }
  const files = xmlFiles(path)
  if (files.length === 0) throw new BrokerError('ERR_USAGE', `--libvirt ${path}: no *.xml in it`)
  return files.flatMap((file) => parseFrom(file, readText(file, '--libvirt')))
}

function xmlFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter((name) => name.endsWith('.xml'))
    if (names.length > MAX_DOMAINS) throw new Error(`need ${MAX_DOMAINS} files or fewer`)
    return names.sort().map((name) => join(path, name))
  } catch (error) {
    const message = `--libvirt ${path}: ${fileProblem(error)}`
    throw new BrokerError('ERR_USAGE', message, { cause: error })
  }
}

function parseFrom(source: string, xml: string): Domain[] {
  try {
    if (xml.length > MAX_XML_BYTES) {
      throw new BrokerError('ERR_USAGE', `need ${MAX_XML_BYTES} bytes or fewer`)
    }
    return parseDomains(xml)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${source}: ${errorText(error)}`, { cause: error })
  }
}

/** One after the other: the machines of a host are tens, and virsh is not to be pressed. */
async function askVirsh(connect: string | undefined): Promise<Domain[]> {
  const uuids = (await virsh(connect, 'list', '--all', '--uuid')).split('\n').filter(Boolean)
  if (uuids.length > MAX_DOMAINS || !uuids.every((uuid) => UUID_LINE.test(uuid))) {
    throw new BrokerError('ERR_NO_ANSWER', 'virsh list: says something else than UUIDs')
  }
  const domains: Domain[] = []
  for (const uuid of uuids) {
    domains.push(...parseFrom(`virsh dumpxml ${uuid}`, await virsh(connect, 'dumpxml', uuid)))
  }
  return domains
}

/** Never through a shell; what it prints is in no language but its own. */
async function virsh(connect: string | undefined, ...args: string[]): Promise<string> {
  const where = connect === undefined ? [] : [`--connect=${connect}`]
  try {
    const { stdout } = await run('virsh', [...where, '--readonly', '--quiet', ...args], {
      timeout: VIRSH_WITHIN_MS,
      maxBuffer: MAX_XML_BYTES,
      env: { ...process.env, LC_ALL: 'C' },
    })
    return stdout.trim()
  } catch (error) {
    const message = `virsh ${args.join(' ')}: ${virshProblem(error)}`
    throw new BrokerError('ERR_NO_ANSWER', message, { cause: error })
  }
}

function virshProblem(error: unknown): string {
  if (!(error instanceof Error)) return errorText(error)
  if ('code' in error && error.code === 'ENOENT') return 'the program is not installed here'
  if ('killed' in error && error.killed === true) return `nothing within ${VIRSH_WITHIN_MS} ms`
  const said = 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined
  return (said || error.message).slice(0, 300)
}
