import { type DoctorFinding, inArea } from './doctor-finding.ts'
import { softwareVersion } from './version.ts'

/** What the product is written for; `main.mjs` looks for it beside the system's own. */
const NODE_MAJOR = 24
const OPENSSL_MAJOR = 3

/** @param versions as `process.versions` */
export function examineVersions(versions: { node: string; openssl: string }): DoctorFinding[] {
  const { ok, error } = inArea('versions')
  const { node, openssl } = versions
  return [
    ok('portcullis', softwareVersion()),
    Number.parseInt(node, 10) >= NODE_MAJOR
      ? ok('node', node)
      : error(
          'node',
          `need ${NODE_MAJOR} or later, have ${node}`,
          'npm ci, which brings one along',
        ),
    Number.parseInt(openssl, 10) >= OPENSSL_MAJOR
      ? ok('openssl', openssl)
      : error(
          'openssl',
          `need ${OPENSSL_MAJOR} or later, have ${openssl}`,
          'run with a Node that has it built in',
        ),
  ]
}
