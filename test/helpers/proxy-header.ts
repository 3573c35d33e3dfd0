import ipaddr from 'ipaddr.js'

export interface ProxyHeaderParts {
  version?: number
  /** 0 LOCAL, 1 PROXY. */
  command?: number
  /** Default: TCP of the source's family. */
  familyAndProtocol?: number
  source?: string
  destination?: string
  sourcePort?: number
  /** Whatever follows the addresses. */
  tlvs?: Uint8Array
}

/** A header of the PROXY protocol, version 2, as HAProxy writes it. */
export function proxyHeader(parts: ProxyHeaderParts = {}): Buffer {
  const { version = 2, command = 1, source = '192.0.2.7', sourcePort = 40_000 } = parts
  const sourceBytes = ipaddr.parse(source).toByteArray()
  const isIpv4 = sourceBytes.length === 4
  const { destination = isIpv4 ? '192.0.2.10' : '2001:db8::10', tlvs = Buffer.alloc(0) } = parts
  const { familyAndProtocol = isIpv4 ? 0x11 : 0x21 } = parts
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(sourcePort, 0)
  ports.writeUInt16BE(443, 2)
  const body = Buffer.concat([
    Buffer.from(sourceBytes),
    Buffer.from(ipaddr.parse(destination).toByteArray()),
    ports,
    tlvs,
  ])
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex')
  head.writeUInt8((version << 4) | command, 12)
  head.writeUInt8(familyAndProtocol, 13)
  head.writeUInt16BE(body.length, 14)
  return Buffer.concat([head, body])
}
