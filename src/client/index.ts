/**
 * A client of RD Gateways over HTTP, [MS-TSGU]: WebSocket or OUT/IN pair, token as PAA cookie, one
 * channel as a duplex stream. For probes, laboratories and benchmarks: it reports every step with its
 * time, and why one failed. It shows no picture, asks nobody anything, and never skips the check of the
 * gateway's certificate. Start with `open-console.ts`; `negotiate.ts`,
 * `host-tls.ts` and `echo.ts` ask the target behind it.
 *
 * ```ts
 * const limits = { timeoutMs: 10_000, onStep: ({ step, durationMs }) => log(step, durationMs) }
 * const gateway = { host: 'rdgw.example', port: 443 }
 * const target = { host: 'host1.example', port: 3389 }
 * const token = new Secret(await readFile('token.txt', 'utf8'))
 * const channel = await openConsole({ ...limits, gateway, target, token, transport: 'websocket' })
 * try {
 *   await negotiate(channel, limits)
 * } finally {
 *   channel.destroy()
 * }
 * ```
 */
export { Secret } from '../lib/index.ts'
export { formatStatus, statusName } from '../protocol/index.ts'
export { ConsoleChannel } from './console-channel.ts'
export { negotiateWithEcho } from './echo.ts'
export { type HostTls, negotiateDirectly } from './host-tls.ts'
export { type NegotiateOptions, negotiate } from './negotiate.ts'
export { type OpenConsoleOptions, openConsole } from './open-console.ts'
export { StepError, type StepName, type StepReport, Steps } from './steps.ts'
export type { TransportKind } from './transport.ts'
