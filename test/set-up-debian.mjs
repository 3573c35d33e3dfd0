/**
 * Installs the Debian packages that the tests' real programs come from. Plain JavaScript for Node 20.
 * FreeRDP 3 is in the backports suite: its source is derived from the machine's own, and only that
 * package is taken from it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Program → package that has it. */
const PROGRAMS = {
  xfreerdp: 'freerdp2-x11',
  'freerdp-shadow-cli': 'freerdp2-shadow-x11',
  Xvfb: 'xvfb',
  import: 'imagemagick',
  xsetroot: 'x11-xserver-utils',
  xdotool: 'xdotool',
  haproxy: 'haproxy',
  keepalived: 'keepalived',
  chromium: 'chromium',
  openssl: 'openssl',
  ip: 'iproute2',
  setpriv: 'util-linux',
  virsh: 'libvirt-clients',
}

const SOURCES = '/etc/apt/sources.list.d'

export function installPrograms() {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !hasProgram(program))
  if (missing.length > 0) {
    apt(['update', '-qq'])
    apt(['install', '-y', '-qq', '--no-install-recommends', ...missing.map(([, name]) => name)])
  }
  if (!hasProgram('xfreerdp3')) installFreeRdp3()
}

export function hasProgram(program) {
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((at) => existsSync(join(at, program)))
}

/** Failing here fails nothing: the tests that need it are skipped by name. */
function installFreeRdp3() {
  const source = backportsSource()
  if (source === undefined) return
  writeFileSync(join(SOURCES, 'portcullis-backports.sources'), source)
  apt(['update', '-qq'])
  apt(['install', '-y', '-qq', '--no-install-recommends', '-t', suite(), 'freerdp3-x11'])
}

/** The machine's own main source with the backports suite in place of the release. */
function backportsSource() {
  const stanzas = readdirSync(SOURCES)
    .filter((name) => name.endsWith('.sources'))
    .flatMap((name) => readFileSync(join(SOURCES, name), 'utf8').split(/\n\s*\n/))
  const release = codename()
  const main = stanzas.find((text) => new RegExp(`^Suites:.*\\b${release}(\\s|$)`, 'm').test(text))
  return main?.replace(/^Suites:.*$/m, `Suites: ${suite()}`).concat('\n')
}

function suite() {
  return `${codename()}-backports`
}

function codename() {
  return /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
}

function apt(args) {
  spawnSync('apt-get', args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}
