import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const PREFIX = 'portcullis_'

/** Adds to the series with this label value. */
export type Count<Value extends string> = (value: Value, amount?: number) => void

/** What every metric has; `name` is without the prefix. */
interface Described {
  name: string
  help: string
}

interface Labelled<Value extends string> extends Described {
  label: string
  /** All that may come: each series is there from the start, at 0, and no other is ever made. */
  values: readonly Value[]
}

/** A certificate's name and end. */
export type CertificateEnd = readonly [name: string, notAfter: Date]
type ReadEnds = () => Iterable<CertificateEnd> | Promise<Iterable<CertificateEnd>>

/** One role's metrics in the text format of Prometheus; the one place that knows prom-client. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #certificates: ReadEnds[] = []

  constructor() {
    const sources = this.#certificates
    new Gauge({
      name: `${PREFIX}certificate_expiry_seconds`,
      help: 'When a certificate ends, in seconds since 1970.',
      labelNames: ['certificate'],
      registers: [this.#registry],
      async collect() {
        const ends = await Promise.all(sources.map((read) => read()))
        this.reset()
        for (const [certificate, notAfter] of ends.flatMap((some) => [...some])) {
          this.set({ certificate }, notAfter.getTime() / 1000)
        }
      },
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  counter<Value extends string>({ name, help, label, values }: Labelled<Value>): Count<Value> {
    const counter = new Counter({
      name: PREFIX + name,
      help,
      labelNames: [label],
      registers: [this.#registry],
    })
    for (const value of values) counter.inc({ [label]: value }, 0)
    return (value, amount = 1) => counter.inc({ [label]: value }, amount)
  }

  /** A sum that is kept elsewhere and never falls. @param read asked at each scrape */
  total({ name, help }: Described, read: () => number): void {
    new Counter({
      name: PREFIX + name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  /** @param read asked at each scrape; undefined while there is no value */
  gauge({ name, help }: Described, read: () => number | undefined | Promise<number>): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })
  }

  /** @param read asked at each scrape for each of the values */
  gaugeBy<Value extends string>(
    { name, help, label, values }: Labelled<Value>,
    read: (value: Value) => number,
  ): void {
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        for (const value of values) this.set({ [label]: value }, read(value))
      },
    })
  }

  /** @param buckets upper bounds in seconds */
  histogram<Value extends string>(
    { name, help, label, values }: Labelled<Value>,
    buckets: number[],
  ): (value: Value, seconds: number) => void {
    const histogram = new Histogram({
      name: PREFIX + name,
      help,
      labelNames: [label],
      buckets,
      registers: [this.#registry],
    })
    for (const value of values) histogram.zero({ [label]: value })
    return (value, seconds) => histogram.observe({ [label]: value }, seconds)
  }

  /** Shows when certificates end. @param read asked at each scrape; a few dozen at most */
  certificates(read: ReadEnds): void {
    this.#certificates.push(read)
  }

  /** CPU, memory, garbage collection and the delay of the event loop; once in a process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX })
  }

  render(): Promise<string> {
    return this.#registry.metrics()
  }
}
