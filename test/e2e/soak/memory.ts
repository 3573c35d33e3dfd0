import type { Figures } from '../../helpers/metrics.ts'

export interface MemorySample {
  heapBytes: number
  residentBytes: number
}

/** How a process's memory goes. */
export class MemoryWatch {
  readonly samples: MemorySample[] = []

  add(figures: Figures): MemorySample {
    const sample = {
      heapBytes: figures.get('nodejs_heap_size_used_bytes') ?? Number.NaN,
      residentBytes: figures.get('process_resident_memory_bytes') ?? Number.NaN,
    }
    this.samples.push(sample)
    return sample
  }

  /**
   * What the last third of the samples has more than the first. The least of each third counts: it is
   * nearest to what a collection leaves.
   */
  growth(of: keyof MemorySample): number {
    const third = Math.floor(this.samples.length / 3)
    const least = (samples: MemorySample[]): number => Math.min(...samples.map((one) => one[of]))
    return least(this.samples.slice(-third)) - least(this.samples.slice(0, third))
  }
}

export function inMb(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
