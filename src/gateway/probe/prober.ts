import type { ProbedHost, ProbeResult } from '../../control/index.ts'
import type { ProbeLimits } from './limits.ts'

export interface ProberOptions {
  /** @throws only once the signal has aborted */
  probe(host: ProbedHost, signal: AbortSignal): Promise<ProbeResult>
  tell(result: ProbeResult): void
  limits: Pick<ProbeLimits, 'maxAtOnce' | 'maxWaiting'>
}

interface Turn {
  host: ProbedHost
  urgent: boolean
}

/** Probes hosts for the broker, a few at once, each of them once at a time. */
export class Prober {
  readonly #options: ProberOptions
  /** By id, in the order of asking. */
  readonly #waiting = new Map<string, Turn>()
  readonly #running = new Set<string>()
  readonly #stop = new AbortController()

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** @param urgent before those that wait already */
  ask(hosts: readonly ProbedHost[], urgent = false): void {
    const waiting = [...this.#waiting.values()]
    const turns = hosts.map((host) => ({ host, urgent }))
    this.#waiting.clear()
    for (const turn of urgent ? [...turns, ...waiting] : [...waiting, ...turns]) {
      if (this.#waiting.size >= this.#options.limits.maxWaiting) break
      if (!this.#waiting.has(turn.host.id)) this.#waiting.set(turn.host.id, turn)
    }
    this.#start()
  }

  /** Ends the probes that run, without results. */
  close(): void {
    this.#waiting.clear()
    this.#stop.abort(new Error('this node stops'))
  }

  #start(): void {
    for (const [id, turn] of this.#waiting) {
      if (this.#running.size >= this.#options.limits.maxAtOnce) return
      // It is asked again with what its record says by now, as soon as this one is done.
      if (this.#running.has(id)) continue
      this.#waiting.delete(id)
      this.#running.add(id)
      void this.#run(turn)
    }
  }

  async #run({ host, urgent }: Turn): Promise<void> {
    const { probe, tell } = this.#options
    const { signal } = this.#stop
    try {
      const result = await probe(host, signal)
      tell(urgent ? { ...result, urgent } : result)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#running.delete(host.id)
      if (!signal.aborted) this.#start()
    }
  }
}
