/** A machine as `virsh dumpxml` writes it, shortened. */
export function domainXml({
  name,
  uuid,
  title = '',
  graphics = '',
}: {
  name: string
  uuid: string
  title?: string
  graphics?: string
}): string {
  return `<?xml version="1.0"?>
<!-- WARNING: THIS IS AN AUTO-GENERATED FILE. -->
<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <uuid>${uuid}</uuid>
  ${title === '' ? '' : `<title>${title}</title>`}
  <memory unit='KiB'>1048576</memory>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    ${graphics}
    <video><model type='virtio' heads='1'/></video>
  </devices>
</domain>
`
}

export const WEB_UUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
export const DB_UUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3302'
