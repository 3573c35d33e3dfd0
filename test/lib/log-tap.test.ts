import { expect, test } from 'vitest'
import { createLog, type LogFields, tapLog } from '../../src/lib/index.ts'

test('whoever taps a log sees its lines from info on, with the fields of their context', () => {
  const lines: LogFields[] = []
  const seen: unknown[] = []
  const log = createLog({
    level: 'debug',
    stream: { write: (line: string) => void lines.push(JSON.parse(line)) },
  })
  const tapped = tapLog(log, (event, fields) => seen.push([event, fields]))
  const child = tapped.child({ node: 'gw1' }).child({ tunnel: 't1' })
  child.debug('packet')
  child.info('tunnel.created', { transport: 'http' })
  tapped.error('request.failed')
  expect(lines.map(({ event }) => event)).toEqual(['packet', 'tunnel.created', 'request.failed'])
  expect(lines[1]).toMatchObject({ node: 'gw1', tunnel: 't1', transport: 'http' })
  expect(seen).toEqual([
    ['tunnel.created', { node: 'gw1', tunnel: 't1', transport: 'http' }],
    ['request.failed', {}],
  ])
})

test('lines of level debug are seen by who asks for them, whether they are written or not', () => {
  const seen: unknown[] = []
  const observeDebug = (event: string, fields: LogFields) => seen.push([event, fields])
  const log = createLog({ level: 'info', stream: { write: () => {} } })
  tapLog(log, () => {}, { observeDebug })
    .child({ node: 'gw1' })
    .debug('packet', { bytes: 8 })
  expect(seen).toEqual([['packet', { node: 'gw1', bytes: 8 }]])
})
