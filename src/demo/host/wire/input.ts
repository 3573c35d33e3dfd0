import { Reader } from '../../../protocol/index.ts'

/**
 * Keyboard events of both input forms, [MS-RDPBCGR] 2.2.8.1.1.3 (slow-path) and 2.2.8.1.2 (fast-path).
 * Mouse, lock keys and time stamps are read over: the test card has no use for them.
 */
export type KeyEvent =
  /** Set 1 scan code; `extended` is the e0 prefix. */
  | { kind: 'scancode'; code: number; extended: boolean; released: boolean }
  | { kind: 'unicode'; codeUnit: number; released: boolean }

const FastPathCode = {
  scancode: 0,
  mouse: 1,
  mouseX: 2,
  sync: 3,
  unicode: 4,
  relativeMouse: 5,
  qoeTimestamp: 6,
} as const
const FASTPATH_RELEASE = 0x01
const FASTPATH_EXTENDED = 0x02
const POINTER_EVENT_BYTES = 6
const QOE_TIMESTAMP_BYTES = 4

const SlowPathType = { scancode: 4, unicode: 5 } as const
const KBDFLAGS_RELEASE = 0x8000
const KBDFLAGS_EXTENDED = 0x0100
const SLOW_PATH_DATA_BYTES = 6

/**
 * @param pdu a whole fast-path frame
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function decodeFastPathInput(pdu: Uint8Array): KeyEvent[] {
  const reader = new Reader('FASTPATH_INPUT', pdu)
  const header = reader.u8('header')
  if (header >> 6 !== 0) throw reader.malformed('flags', `need none, have ${header >> 6}`)
  if (reader.u8('length') >= 0x80) reader.skip('length2', 1)
  const count = (header >> 2) & 0x0f || reader.u8('numEvents')
  const events: KeyEvent[] = []
  for (let index = 0; index < count; index += 1) {
    const event = readFastPathEvent(reader)
    if (event !== undefined) events.push(event)
  }
  if (reader.remaining > 0) {
    throw reader.malformed('end', `need nothing more, have ${reader.remaining} bytes`)
  }
  return events
}

/**
 * @param body of an Input data PDU
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`
 */
export function decodeSlowPathInput(body: Uint8Array): KeyEvent[] {
  const reader = new Reader('INPUT', body)
  const count = reader.u16le('numEvents')
  reader.skip('pad2Octets', 2)
  const events: KeyEvent[] = []
  for (let index = 0; index < count; index += 1) {
    reader.skip('eventTime', 4)
    const type = reader.u16le('messageType')
    const data = new Reader('INPUT', reader.bytes('event', SLOW_PATH_DATA_BYTES))
    const flags = data.u16le('keyboardFlags')
    const code = data.u16le('keyCode')
    const released = (flags & KBDFLAGS_RELEASE) !== 0
    if (type === SlowPathType.scancode) {
      const extended = (flags & KBDFLAGS_EXTENDED) !== 0
      events.push({ kind: 'scancode', code: code & 0xff, extended, released })
    } else if (type === SlowPathType.unicode) {
      events.push({ kind: 'unicode', codeUnit: code, released })
    }
  }
  return events
}

function readFastPathEvent(reader: Reader): KeyEvent | undefined {
  const header = reader.u8('eventHeader')
  const released = (header & FASTPATH_RELEASE) !== 0
  const code = header >> 5
  switch (code) {
    case FastPathCode.scancode: {
      const extended = (header & FASTPATH_EXTENDED) !== 0
      return { kind: 'scancode', code: reader.u8('keyCode'), extended, released }
    }
    case FastPathCode.unicode:
      return { kind: 'unicode', codeUnit: reader.u16le('unicodeCode'), released }
    case FastPathCode.mouse:
    case FastPathCode.mouseX:
    case FastPathCode.relativeMouse:
      reader.skip('pointerEvent', POINTER_EVENT_BYTES)
      return undefined
    case FastPathCode.sync:
      return undefined
    case FastPathCode.qoeTimestamp:
      reader.skip('timestamp', QOE_TIMESTAMP_BYTES)
      return undefined
    default:
      throw reader.malformed('eventCode', `need 0 to 6, have ${code}`)
  }
}
