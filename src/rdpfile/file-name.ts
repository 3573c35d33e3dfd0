/** Long enough to recognise a VM, short enough for any browser's download bar. */
const MAX_NAME_CHARACTERS = 48

/**
 * A download's name: the VM's name in characters that every file system and HTTP header takes, and the
 * grant's reference, so that no two downloads share a name and support can ask for it.
 *
 * @param reference `7K3M-Q2XD`
 */
export function consoleFileName(vmName: string, reference: string): string {
  const name = vmName
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, MAX_NAME_CHARACTERS)
    .replaceAll(/^-+|-+$/g, '')
  return `${name === '' ? 'console' : name}-${reference}.rdp`
}
