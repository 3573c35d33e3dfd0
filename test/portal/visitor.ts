import Koa from 'koa'
import request from 'supertest'
import { type Clock, type Log, silentLog, systemClock } from '../../src/lib/index.ts'
import { createPortal } from '../../src/portal/index.ts'
import { FakeServices } from './fake-services.ts'

const HOST = 'portal.example:8443'
const ORIGIN = `https://${HOST}`

/** What a browser sends with a form of the portal's own page. */
const OWN_PAGE = { Origin: ORIGIN, 'Sec-Fetch-Site': 'same-origin' }

/** A browser without a screen: it keeps cookies and says where its forms come from. */
export class Visitor {
  readonly services = new FakeServices()
  readonly cookies = new Map<string, string>()
  readonly #app = new Koa()

  constructor(log: Log = silentLog, clock: Clock = systemClock) {
    this.#app.use(createPortal({ services: this.services, clock, log }))
    this.#app.use((ctx) => {
      ctx.status = 418
      ctx.body = 'the app around the portal'
    })
  }

  /** A visitor who has signed in as `alice`. */
  static async signedIn(log?: Log): Promise<Visitor> {
    const visitor = new Visitor(log)
    await visitor.signIn()
    return visitor
  }

  async get(path: string) {
    return this.#keepCookies(await this.#send(request(this.#app.callback()).get(path)))
  }

  async post(path: string, form: Record<string, string> | string, headers = {}) {
    const posting = request(this.#app.callback())
      .post(path)
      .set({ ...OWN_PAGE, ...headers })
      .type('form')
    return this.#keepCookies(await this.#send(posting).send(form))
  }

  /** Opens the sign-in page, fills its form in and sends it. */
  async signIn(user = 'alice', password = 'open sesame') {
    const page = await this.get('/sign-in')
    return this.post('/sign-in', { csrf: csrfOf(page.text), user, password })
  }

  /** Any request with any headers, beyond what a page could do. */
  raw() {
    return request(this.#app.callback())
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  #send(sending: request.Test): request.Test {
    const prepared = sending.set('Host', HOST)
    return this.cookies.size === 0 ? prepared : prepared.set('Cookie', this.cookieHeader)
  }

  #keepCookies(response: request.Response): request.Response {
    for (const line of setCookies(response)) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }
}

/** The `Set-Cookie` lines of an answer. */
export function setCookies(response: request.Response): string[] {
  const lines: unknown = response.headers['set-cookie']
  return Array.isArray(lines) ? lines.map(String) : []
}

/** The token in the page's first form. */
export function csrfOf(page: string): string {
  return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
}
