import type { Area, Size } from './area.ts'
import { textHeight, textWidth } from './text-line.ts'

/**
 * Where everything on the test card stands, for any desktop from 320x200 to 4096x2304: a header on top,
 * colour bars at the bottom, above them the line of typed keys and three panels of times, and the
 * machine's name in what is left.
 */
export interface CardLayout {
  header: Area
  /** Around the machine's name and the sentence below it. */
  headline: Area
  panels: readonly [Area, Area, Area]
  echo: Area
  bars: Area
  /** Distance from the screen's edge to text. */
  margin: number
  /** Distance from a panel's edge to its text. */
  padding: number
  /** Text scales; the headline's is what it has when the name is short enough. */
  headlineScale: number
  labelScale: number
  valueScale: number
  echoScale: number
  /** Thickness of lines. */
  stroke: number
}

/** The desktop for which a unit is one pixel. */
const SMALLEST: Size = { width: 320, height: 200 }
const PANELS = 3
/** `23:59:59` */
const CLOCK_COLUMNS = 8

export function layoutCard({ width, height }: Size): CardLayout {
  const unit = Math.max(1, Math.min(width / SMALLEST.width, height / SMALLEST.height))
  const margin = Math.round(unit * 8)
  const padding = Math.round(unit * 5)
  const gap = Math.round(unit * 6)
  const inner = width - 2 * margin

  const labelScale = Math.max(1, Math.floor(unit * 0.55))
  const echoScale = Math.max(1, Math.floor(unit * 0.8))
  const panelWidth = Math.floor((inner - (PANELS - 1) * gap) / PANELS)
  const roomForClock = (panelWidth - 2 * padding) / textWidth(CLOCK_COLUMNS, 1)
  const valueScale = Math.max(1, Math.floor(Math.min(roomForClock, unit * 1.1)))

  const headerHeight = textHeight(labelScale) + 2 * Math.round(unit * 3)
  const barsHeight = Math.round(unit * 22)
  const echoHeight = textHeight(labelScale) + textHeight(echoScale) + 2 * padding
  const panelHeight = 2 * textHeight(labelScale) + textHeight(valueScale) + 2 * padding

  const barsTop = height - barsHeight
  const echoTop = barsTop - gap - echoHeight
  const panelTop = echoTop - gap - panelHeight
  // Edges are rounded one by one, so that the last panel ends where the line below it ends.
  const panelLeft = (index: number) => margin + Math.round((index * (inner + gap)) / PANELS)
  const panel = (index: number): Area => ({
    x: panelLeft(index),
    y: panelTop,
    width: panelLeft(index + 1) - gap - panelLeft(index),
    height: panelHeight,
  })
  return {
    header: { x: 0, y: 0, width, height: headerHeight },
    headline: { x: margin, y: headerHeight, width: inner, height: panelTop - headerHeight },
    panels: [panel(0), panel(1), panel(2)],
    echo: { x: margin, y: echoTop, width: inner, height: echoHeight },
    bars: { x: 0, y: barsTop, width, height: barsHeight },
    margin,
    padding,
    headlineScale: Math.floor(unit * 2.4),
    labelScale,
    valueScale,
    echoScale,
    stroke: Math.max(1, Math.round(unit / 2)),
  }
}
