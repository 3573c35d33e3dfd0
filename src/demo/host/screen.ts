import type { Clock } from '../../lib/index.ts'
import type { GrantNotice } from '../../protocol/index.ts'
import { Echo } from './echo.ts'
import { Keyboard } from './keyboard.ts'
import {
  FIRST_PICTURE_DELAY_MS,
  FLUSH_INTERVAL_MS,
  MAX_QUEUED_BYTES,
  MAX_STALLED_TICKS,
  PIXELS_PER_PAUSE_MS,
} from './limits.ts'
import type { Link } from './link.ts'
import { type Area, pixelsOf, type Size } from './picture/area.ts'
import { Framebuffer } from './picture/framebuffer.ts'
import { TestCard } from './picture/test-card.ts'
import { encodeTiles } from './tiles.ts'
import {
  encodeFastPathBitmap,
  encodeFastPathDefaultPointer,
  packTiles,
} from './wire/bitmap-update.ts'
import type { ClientCapabilities } from './wire/capabilities.ts'
import { encodeLogonNotify } from './wire/finalization.ts'
import type { KeyEvent } from './wire/input.ts'
import { DataType, encodeDataPdu } from './wire/share.ts'

const TICK_MS = 1_000

/** Where a screen's messages go. */
export type ScreenOutput = Pick<Link, 'queuedBytes' | 'send' | 'sendIo'>

export interface ScreenOptions {
  size: Size
  capabilities: ClientCapabilities
  name: string
  /** What opens this console, where that is known. */
  grant?: GrantNotice
  clock: Clock
  /** Called once when the client has taken no output for a minute. */
  onStalled: () => void
}

/** One viewer's picture and the timers that bring it to the viewer. Owns them: `close` ends them. */
export class Screen {
  readonly #link: ScreenOutput
  readonly #options: ScreenOptions
  readonly #framebuffer: Framebuffer
  readonly #card: TestCard
  readonly #keyboard = new Keyboard()
  readonly #echo = new Echo()
  #tickTimer: NodeJS.Timeout | undefined
  #flushTimer: NodeJS.Timeout | undefined
  #notBeforeMs: number
  #started = false
  #suppressed = false
  #closed = false
  #stalledTicks = 0

  /** Draws the card; the first picture goes out `FIRST_PICTURE_DELAY_MS` from now. */
  constructor(link: ScreenOutput, options: ScreenOptions) {
    this.#link = link
    this.#options = options
    this.#framebuffer = new Framebuffer(options.size)
    const connectedAtMs = options.clock.now()
    const { name, grant } = options
    this.#card = new TestCard(this.#framebuffer, {
      ...{ name, connectedAtMs },
      ...(grant === undefined ? {} : { grant }),
    })
    this.#notBeforeMs = performance.now() + FIRST_PICTURE_DELAY_MS
    this.#scheduleFlush()
    this.#scheduleTick()
  }

  key(event: KeyEvent): void {
    const keystroke = this.#keyboard.press(event)
    if (keystroke === undefined) return
    this.#echo.take(keystroke)
    this.#card.showTyped(this.#echo.text)
    this.#scheduleFlush()
  }

  /** Areas to be sent again; they may lie anywhere. */
  refresh(areas: Area[]): void {
    for (const area of areas) this.#framebuffer.dirty.add(area)
    this.#scheduleFlush()
  }

  /** A viewer whose window is hidden wants no output; when it is shown again, a whole picture. */
  allowOutput(allowed: boolean): void {
    if (allowed && this.#suppressed) this.#framebuffer.dirty.addAll()
    this.#suppressed = !allowed
    this.#scheduleFlush()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#tickTimer)
    clearTimeout(this.#flushTimer)
  }

  /** At the clock's next full second. */
  #scheduleTick(): void {
    const untilNextSecond = TICK_MS - (this.#options.clock.now() % TICK_MS)
    this.#tickTimer = setTimeout(() => this.#tick(), untilNextSecond)
  }

  #tick(): void {
    this.#card.showTime(this.#options.clock.now())
    this.#scheduleFlush()
    this.#stalledTicks = this.#link.queuedBytes === 0 ? 0 : this.#stalledTicks + 1
    if (this.#stalledTicks > MAX_STALLED_TICKS) this.#options.onStalled()
    else this.#scheduleTick()
  }

  #scheduleFlush(): void {
    if (this.#closed || this.#suppressed || this.#flushTimer !== undefined) return
    if (this.#framebuffer.dirty.isEmpty) return
    const pause = Math.max(FLUSH_INTERVAL_MS, this.#notBeforeMs - performance.now())
    this.#flushTimer = setTimeout(() => this.#flush(), pause)
  }

  #flush(): void {
    this.#flushTimer = undefined
    if (this.#suppressed) return
    if (this.#link.queuedBytes > MAX_QUEUED_BYTES) {
      this.#scheduleFlush()
      return
    }
    if (!this.#started) this.#start()
    const areas = this.#framebuffer.dirty.take()
    const tiles = areas.flatMap((area) => [...encodeTiles(this.#framebuffer, area)])
    for (const update of packTiles(tiles, this.#options.capabilities)) this.#sendUpdate(update)
    const pixels = areas.reduce((sum, area) => sum + pixelsOf(area), 0)
    this.#notBeforeMs = performance.now() + pixels / PIXELS_PER_PAUSE_MS
  }

  /** What Windows sends before its first picture; mstsc is said to keep a banner up without it. */
  #start(): void {
    this.#started = true
    this.#link.sendIo(encodeLogonNotify())
    if (this.#options.capabilities.fastPathOutput) this.#link.send(encodeFastPathDefaultPointer())
  }

  #sendUpdate(update: Uint8Array): void {
    if (this.#options.capabilities.fastPathOutput) this.#link.send(encodeFastPathBitmap(update))
    else this.#link.sendIo(encodeDataPdu(DataType.update, update))
  }
}
