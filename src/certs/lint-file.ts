import { type Finding, fault } from './finding.ts'

/** What the file system says of a file. */
export interface FileFacts {
  path: string
  /** Permission bits, as `stat` has them. */
  mode: number
  uid: number
}

/**
 * Who can read a key, and who could put another certificate in its place.
 *
 * @param uid who is asking; 0 may check everybody's
 */
export function lintFile(
  { path, mode, uid: owner }: FileFacts,
  { holdsKey, uid }: { holdsKey: boolean; uid: number },
): Finding[] {
  const findings: Finding[] = []
  const bits = (mode & 0o777).toString(8).padStart(3, '0')
  if (holdsKey && (mode & 0o077) !== 0) {
    findings.push(
      fault(
        'file-mode',
        `${path}: need mode 600, have ${bits}: others can read the key`,
        `chmod 600 ${path}`,
      ),
    )
  } else if (!holdsKey && (mode & 0o022) !== 0) {
    findings.push(
      fault('file-mode', `${path}: mode ${bits} lets others replace it`, `chmod go-w ${path}`),
    )
  }
  if (uid !== 0 && owner !== uid && owner !== 0) {
    findings.push(
      fault(
        'file-owner',
        `${path}: belongs to user ${owner}, this is ${uid}`,
        `chown ${uid} ${path}`,
      ),
    )
  }
  return findings
}
