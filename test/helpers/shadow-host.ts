import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { accepts, freePort } from './ports.ts'
import { START_MS, startProgram } from './programs.ts'
import { type Display, startDisplay } from './xvfb.ts'

/** FreeRDP's shadow server: a real RDP host that shows what is on its own X display. */
export interface ShadowHost {
  address: '127.0.0.1'
  port: number
  /** What clients see: paint its root window. */
  display: Display
  stop(): Promise<void>
}

/** `-auth`: without it the server asks PAM, whatever its help says. */
export async function startShadowHost(): Promise<ShadowHost> {
  const display = await startDisplay({ width: 800, height: 600 })
  const home = await mkdtemp(join(tmpdir(), 'portcullis-shadow-'))
  const port = await freePort()
  const server = startProgram(
    'freerdp-shadow-cli',
    ['/bind-address:127.0.0.1', `/port:${port}`, '/sec:tls', '-auth'],
    { env: { ...display.env, HOME: home, XDG_CONFIG_HOME: home } },
  )
  const stop = async (): Promise<void> => {
    await server.stop()
    await display.stop()
    await rm(home, { recursive: true, force: true })
  }
  try {
    await eventually('shadow host listens', () => accepts(port), {
      ...{ timeoutMs: START_MS, context: server.output },
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { address: '127.0.0.1', port, display, stop }
}
