import { expect, test } from 'vitest'
import { Metrics } from '../../src/lib/index.ts'

test('shows each series from the start, and counts', async () => {
  const metrics = new Metrics()
  const count = metrics.counter({
    name: 'doors_total',
    help: 'Doors.',
    label: 'colour',
    values: ['red', 'blue'],
  })
  count('red')
  count('red', 2)
  const text = await metrics.render()
  expect(text).toContain('# TYPE portcullis_doors_total counter')
  expect(text).toContain('portcullis_doors_total{colour="red"} 3')
  expect(text).toContain('portcullis_doors_total{colour="blue"} 0')
})

test('asks for values that are kept elsewhere at each scrape, and hides one that is not there', async () => {
  const metrics = new Metrics()
  let value: number | undefined = 7
  metrics.gauge({ name: 'level', help: 'Level.' }, () => value)
  metrics.total({ name: 'seen_total', help: 'Seen.' }, () => (value ?? 0) * 2)
  expect(await metrics.render()).toMatch(/^portcullis_level 7$/m)
  expect(await metrics.render()).toMatch(/^portcullis_seen_total 14$/m)
  value = undefined
  expect(await metrics.render()).not.toMatch(/^portcullis_level /m)
})

test('shows the ends of the certificates that are in use now', async () => {
  const metrics = new Metrics()
  let name = 'tls'
  metrics.certificates(() => [[name, new Date(1_900_000_000_000)]])
  metrics.certificates(async () => [['issuer:0123ABCD', new Date(1_800_000_000_000)]])
  expect(await metrics.render()).toContain(
    'portcullis_certificate_expiry_seconds{certificate="tls"} 1900000000',
  )
  name = 'control'
  const text = await metrics.render()
  expect(text).not.toContain('certificate="tls"')
  expect(text).toContain('{certificate="issuer:0123ABCD"} 1800000000')
})
