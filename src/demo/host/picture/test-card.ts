import type { GrantNotice } from '../../../protocol/index.ts'
import type { Area } from './area.ts'
import type { Framebuffer } from './framebuffer.ts'
import { type CardLayout, layoutCard } from './layout.ts'
import type { ColourName, Paper } from './palette.ts'
import { TextLine, type TextStyle, textHeight, textWidth } from './text-line.ts'

/** The colour bars from left to right. */
export const BARS: readonly ColourName[] = [
  'white',
  'yellow',
  'cyan',
  'green',
  'magenta',
  'red',
  'blue',
  'black',
]

const SUBTITLE = 'Console of a demo machine. No hypervisor needed.'
const CURSOR = '_'
const PROMPT = '> '

export interface TestCardOptions {
  /** Shown as the headline. */
  name: string
  /** Milliseconds since the Unix epoch. */
  connectedAtMs: number
  /** What opens the console: shown in place of the sentence below the name, with the time that is left. */
  grant?: GrantNotice
}

/** The picture of a demo machine's console: drawn once, then told the time and what was typed. */
export class TestCard {
  readonly #framebuffer: Framebuffer
  readonly #layout: CardLayout
  readonly #connectedAtMs: number
  readonly #grant: GrantNotice | undefined
  readonly #now: TextLine
  readonly #today: TextLine
  readonly #duration: TextLine
  readonly #subtitle: TextLine | undefined
  readonly #echo: TextLine
  readonly #echoColumns: number

  constructor(framebuffer: Framebuffer, { name, connectedAtMs, grant }: TestCardOptions) {
    this.#framebuffer = framebuffer
    this.#grant = grant
    this.#connectedAtMs = connectedAtMs
    const layout = layoutCard(framebuffer.size)
    this.#layout = layout
    framebuffer.fill({ x: 0, y: 0, ...framebuffer.size }, 'background')
    this.#drawHeader()
    this.#subtitle = this.#drawHeadline(name)
    this.#drawBars()

    const [sincePanel, nowPanel, durationPanel] = layout.panels
    const since = this.#drawPanel(sincePanel, ['CONNECTED SINCE', 'SINCE'])
    since.value.show(clockText(connectedAtMs))
    since.note.show(dateText(connectedAtMs))
    const now = this.#drawPanel(nowPanel, ['TIME NOW', 'NOW'])
    this.#now = now.value
    this.#today = now.note
    const duration = this.#drawPanel(durationPanel, ['CONNECTED FOR', 'FOR'])
    this.#duration = duration.value
    duration.note.show('hh:mm:ss')

    const { echo, echoScale, padding } = layout
    this.#drawBox(echo)
    const left = echo.x + padding
    this.#line(left, echo.y + padding, echo, label('panel', layout)).show('TYPE SOMETHING')
    const top = echo.y + padding + textHeight(layout.labelScale)
    this.#echoColumns = columnsIn(echo.width - 2 * padding, echoScale)
    this.#echo = this.#line(left, top, echo, {
      face: 'medium',
      scale: echoScale,
      ink: 'accent',
      paper: 'panel',
    })
    this.showTime(connectedAtMs)
    this.showTyped('')
  }

  showTime(nowMs: number): void {
    this.#now.show(clockText(nowMs))
    this.#today.show(dateText(nowMs))
    this.#duration.show(durationText(this.#connectedAtMs, nowMs))
    if (this.#grant !== undefined) this.#subtitle?.show(grantText(this.#grant, nowMs))
  }

  /** The end of the text, as much as fits. */
  showTyped(text: string): void {
    const room = this.#echoColumns - PROMPT.length - CURSOR.length
    this.#echo.show(`${PROMPT}${text.slice(-room)}${CURSOR}`)
  }

  #drawHeader(): void {
    const { header, labelScale, margin, stroke } = this.#layout
    this.#framebuffer.fill(header, 'panel')
    this.#framebuffer.fill(
      { x: 0, y: header.height - stroke, width: header.width, height: stroke },
      'accent',
    )
    const size = textHeight(labelScale)
    const y = Math.floor((header.height - stroke - size) / 2)
    this.#drawGate({ x: margin, y: y + 2 * labelScale, width: size, height: size - 4 * labelScale })
    const style = { face: 'bold', scale: labelScale, ink: 'text', paper: 'panel' } as const
    this.#line(margin + size + textWidth(1, labelScale), y, header, style).show('PORTCULLIS')
    const { width, height } = this.#framebuffer.size
    const note = `${width} x ${height}`
    const x = header.width - margin - textWidth(note.length, labelScale)
    this.#line(x, y, header, label('panel', this.#layout)).show(note)
  }

  /** A small portcullis: three bars with two cross-bars. */
  #drawGate({ x, y, width, height }: Area): void {
    const bar = Math.max(2, Math.round(width / 8))
    const step = (width - bar) / 2
    for (const index of [0, 1, 2]) {
      const left = Math.round(x + index * step)
      this.#framebuffer.fill({ x: left, y, width: bar, height }, 'accent')
    }
    for (const top of [y, Math.round(y + height / 2 - bar / 2)]) {
      this.#framebuffer.fill({ x, y: top, width, height: bar }, 'accent')
    }
  }

  /** @returns the line below the name; undefined where it has no room */
  #drawHeadline(name: string): TextLine | undefined {
    const { headline, headlineScale, labelScale } = this.#layout
    const fitting = Math.floor(headline.width / textWidth(Math.max(1, name.length), 1))
    const subtitleHeight = textHeight(labelScale)
    const room = Math.floor(headline.height / textHeight(1))
    const scale = Math.max(1, Math.min(headlineScale, fitting, room))
    const hasSubtitle =
      headline.height >= textHeight(scale) + 2 * subtitleHeight &&
      textWidth(SUBTITLE.length, labelScale) <= headline.width
    const height = textHeight(scale) + (hasSubtitle ? subtitleHeight : 0)
    const y = headline.y + Math.floor((headline.height - height) / 2)
    const style = { face: 'bold', scale, ink: 'text', paper: 'background' } as const
    this.#line(headline.x, y, headline, style).show(name)
    if (!hasSubtitle) return undefined
    const place = { x: headline.x, y: y + textHeight(scale) }
    const subtitle = this.#line(place.x, place.y, headline, label('background', this.#layout))
    subtitle.show(SUBTITLE)
    return subtitle
  }

  #drawBars(): void {
    const { bars } = this.#layout
    BARS.forEach((colour, index) => {
      const left = Math.round((index * bars.width) / BARS.length)
      const right = Math.round(((index + 1) * bars.width) / BARS.length)
      this.#framebuffer.fill({ ...bars, x: left, width: right - left }, colour)
    })
  }

  /** @param titles the first that fits is drawn */
  #drawPanel(area: Area, titles: readonly string[]): { value: TextLine; note: TextLine } {
    const { labelScale, valueScale, padding } = this.#layout
    this.#drawBox(area)
    const x = area.x + padding
    const y = area.y + padding
    const columns = columnsIn(area.width - 2 * padding, labelScale)
    const title = titles.find(({ length }) => length <= columns) ?? ''
    this.#line(x, y, area, label('panel', this.#layout)).show(title)
    const valueStyle = { face: 'bold', scale: valueScale, ink: 'text', paper: 'panel' } as const
    const valueTop = y + textHeight(labelScale)
    return {
      value: this.#line(x, valueTop, area, valueStyle),
      note: this.#line(x, valueTop + textHeight(valueScale), area, label('panel', this.#layout)),
    }
  }

  #drawBox(area: Area): void {
    this.#framebuffer.fill(area, 'panel')
    this.#framebuffer.frame(area, 'line', this.#layout.stroke)
  }

  /** A line that ends where its area ends. */
  #line(x: number, y: number, area: Area, style: TextStyle): TextLine {
    const columns = columnsIn(area.x + area.width - x, style.scale)
    return new TextLine(this.#framebuffer, { x, y, columns }, style)
  }
}

function label(paper: Paper, { labelScale }: CardLayout): TextStyle {
  return { face: 'medium', scale: labelScale, ink: 'dim', paper }
}

function columnsIn(width: number, scale: number): number {
  return Math.max(0, Math.floor(width / textWidth(1, scale)))
}

/** `Grant 7K3M-Q2XD, the file opens for 00:00:43`, no longer than {@link SUBTITLE} */
function grantText({ ref, expiresAt }: GrantNotice, nowMs: number): string {
  const name = ref === undefined ? 'Grant' : `Grant ${ref}`
  if (expiresAt === undefined) return name
  const isOver = nowMs >= expiresAt * 1000
  return `${name}, the file ${isOver ? 'has expired' : `opens for ${durationText(nowMs, expiresAt * 1000)}`}`
}

/** `23:59:59`, UTC. */
function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19)
}

/** `2026-11-20 UTC` */
function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 10)} UTC`
}

/** `00:01:09`, the difference of the two clocks on the card; hours go on beyond 24. */
function durationText(fromMs: number, toMs: number): string {
  const seconds = Math.max(0, Math.floor(toMs / 1000) - Math.floor(fromMs / 1000))
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}
