/**
 * The demo host: a small RDP server that needs nothing but Node. It shows a test card (the machine's name,
 * since when the viewer is connected, a clock, what is typed) over TLS security, so that a bare machine
 * has a console to open and tests have a picture they can compute.
 *
 * It never authenticates anybody and serves nothing but that card. Start reading at `viewer.ts`, which
 * goes through a connection in the protocol's order; `wire/` has the codecs, `picture/` the card.
 */
export { createDemoHost, type DemoHost, type DemoHostOptions } from './demo-host.ts'
