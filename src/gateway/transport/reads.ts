import type { Socket } from 'node:net'
import type { PacketInbox } from './packet-inbox.ts'

/** Below this a read holds too little to be worth a call. */
const MIN_BYTES = 4 * 1024

/**
 * Passes what a client's socket reads to `take`, which puts it into the inbox, and gives the memory of a
 * large read back as soon as nothing refers to it. Node takes up to 16 KiB outside V8's heap for each read
 * from TLS; left to the garbage collector, they cost a collection of the whole heap for every 64 MiB (client
 * to host, one tunnel: 2.4 CPU seconds per GB, 1.1 with this).
 */
export function takeReads(socket: Socket, inbox: PacketInbox, take: (bytes: Buffer) => void): void {
  socket.on('data', (bytes: Buffer) => {
    take(bytes)
    if (inbox.endRead()) giveBack(bytes)
  })
}

/** Bytes that share their memory with others, as those of Node's pool do, stay as they are. */
function giveBack({ buffer, length }: Buffer): void {
  if (length < MIN_BYTES || length !== buffer.byteLength) return
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
