import { get } from 'node:http'

/** Values of metrics, by name and labels, without the prefix `portcullis_`. */
export type Figures = Map<string, number>

/** @param port of 127.0.0.1, where a role serves its metrics */
export function scrapeMetrics(port: number): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const asked = get({ host: '127.0.0.1', port, path: '/metrics', agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.once('error', reject)
      answer.once('end', () => {
        const lines = text.split('\n').filter((line) => line.startsWith('portcullis_'))
        const entries = lines.map((line): [string, number] => {
          const space = line.lastIndexOf(' ')
          return [line.slice('portcullis_'.length, space), Number(line.slice(space + 1))]
        })
        resolve(new Map(entries))
      })
    })
    asked.once('error', reject)
  })
}

/** Sum of all series of one metric. */
export function total(figures: Figures, name: string): number {
  return [...figures]
    .filter(([series]) => series === name || series.startsWith(`${name}{`))
    .reduce((sum, [, value]) => sum + value, 0)
}
