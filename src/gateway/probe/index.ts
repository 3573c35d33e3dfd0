/** What a node looks at on behalf of its broker. Start with `probe-host.ts`. */
export { createProber } from './create-prober.ts'
export type { Prober } from './prober.ts'
