/**
 * The product on one machine: demo host, broker with portal and two gateway nodes, each a process of its
 * own, started, watched and stopped together. Start reading at `demo.ts`; `host/` is the small RDP server.
 */
export { CURL_CONFIG, type Demo, type DemoOptions, startDemo } from './demo.ts'
export { createDemoHost, type DemoHost, type DemoHostOptions } from './host/index.ts'
export type { SeedContent } from './inventory.ts'
export { FARM_NAME } from './names.ts'
export type { ReadyFile } from './ready-file.ts'
