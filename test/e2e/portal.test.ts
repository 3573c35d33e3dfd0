import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContextOptions, Page, Response } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { launchBrowser } from '../helpers/browser.ts'
import {
  close,
  GATEWAY_ADDRESS,
  listen,
  PASSWORD,
  type PortalRun,
  startPortal,
  urlOf,
} from '../helpers/portal.ts'
import { testWithPrograms } from '../helpers/programs.ts'

let portal: PortalRun
let browser: Browser | undefined

beforeAll(async () => {
  portal = await startPortal()
  browser = await launchBrowser(portal.tls.certificatePem)
})

afterEach(async () => {
  await Promise.all((browser?.contexts() ?? []).map((context) => context.close()))
})

afterAll(async () => {
  await browser?.close()
  await portal?.stop()
})

describe('in Chromium', () => {
  withBrowser('a tenant signs in, sees only the own machines and gets a console file', async () => {
    const page = await signIn('alice')
    expect(await page.locator('.machines h2').allTextContents()).toEqual(['db-01', 'web-01'])
    expect(await page.content()).not.toContain('secret-01')
    expect(await page.locator('li', { hasText: 'db-01' }).getByRole('button').isDisabled()).toBe(
      true,
    )

    const { fileName, bytes } = await download(page, 'web-01')
    expect(fileName).toMatch(/^web-01-[0-9A-Z]{4}-[0-9A-Z]{4}\.rdp$/)
    expect([...bytes.subarray(0, 2)]).toEqual([0xff, 0xfe])
    const file = parseRdpFile(bytes)
    expect(file.get('full address')).toBe('192.0.2.10:3401')
    expect(file.get('gatewayhostname')).toBe(GATEWAY_ADDRESS)
    expect(file.get('gatewayaccesstoken')?.split('.')).toHaveLength(3)
    expect(await page.getByRole('status').textContent()).toContain('The file for web-01')
    expect(JSON.stringify(portal.log)).not.toContain(file.get('gatewayaccesstoken'))
  })

  withBrowser('everything works without scripts', async () => {
    const page = await signIn('alice', { javaScriptEnabled: false })
    const { bytes } = await download(page, 'web-01')
    expect(parseRdpFile(bytes).get('full address')).toBe('192.0.2.10:3401')
  })

  withBrowser(
    'a wrong password is told in words, with a reference that the log knows',
    async () => {
      const page = await openPage()
      await page.goto(portal.url)
      await submitSignIn(page, 'alice', 'wrong')
      const text = await page.getByRole('alert').innerText()
      expect(text).toContain('The user name or the password is not right.')
      const ref = /[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(text)?.[0]
      expect(logged('auth.failed').map((line) => line.ref)).toContain(ref)
      expect(await page.getByLabel('User name').inputValue()).toBe('alice')
    },
  )

  withBrowser('another tenant’s machine, asked for by hand, is a page that says 404', async () => {
    const page = await signIn('alice')
    await page
      .locator('button[value=vm-web]')
      .evaluate((button) => button.setAttribute('value', 'vm-secret'))
    const response = await pressAndWait(page, 'Console of web-01')
    expect(response.status()).toBe(404)
    expect(response.headers()['content-type']).toContain('text/html')
    const text = await page.locator('main').innerText()
    expect(text).toContain('There is no such machine among yours.')
    expect(text).toMatch(/Support reference\s+[0-9A-Z]{4}-[0-9A-Z]{4}/)
    await follow(page, 'Back to your machines')
    expect(await page.locator('.machines h2').count()).toBe(2)
  })

  withBrowser('a tenant without machines is told so', async () => {
    const page = await signIn('carol')
    expect(await page.locator('main').innerText()).toContain('No machines yet')
  })

  withBrowser('after signing out, going back shows no machines', async () => {
    const page = await signIn('alice')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    await page.goBack()
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    expect(await page.content()).not.toContain('web-01')
  })

  withBrowser('a form on another origin opens no console, even with the right token', async () => {
    const page = await signIn('alice')
    const csrf = await page.locator('.card input[name=csrf]').inputValue()
    const minted = logged('console.minted').length
    // Another port of localhost is the same site: the browser does send the session cookie along.
    const attack = await openAttack(`${portal.url}/console`, { csrf, vm: 'vm-web' })
    try {
      await page.goto(attack.url)
      const response = await pressAndWait(page, 'Win a prize')
      expect(response.status()).toBe(403)
      expect((await response.request().allHeaders()).cookie).toContain('__Host-portcullis=')
      expect(await page.locator('main').innerText()).toContain('did not come from a current page')
      expect(logged('console.minted')).toHaveLength(minted)
      expect(logged('portal.refused').at(-1)).toMatchObject({ code: 'origin-refused' })
    } finally {
      await attack.stop()
    }
  })

  withBrowser(
    'an operator’s page asks the API with the session, and no other site’s does',
    async () => {
      const page = await signIn('olga', {}, 'Your account')
      expect(await page.locator('dt').allTextContents()).toEqual(['operator'])
      await follow(page, 'what there is')
      const statuses = await page.evaluate(async () => {
        const ask = async (method: string, body?: string) => {
          const headers = { 'Content-Type': 'application/json' }
          const init = body === undefined ? { method } : { method, headers, body }
          return (await fetch('/v1/tenants/shop', init)).status
        }
        return [await ask('PUT', '{"name":"Shop"}'), await ask('GET'), await ask('DELETE')]
      })
      expect(statuses).toEqual([201, 200, 204])

      const attack = await openAttack(`${portal.url}/v1/consoles`, { vm: 'vm-web' })
      try {
        await page.goto(attack.url)
        const response = await pressAndWait(page, 'Win a prize')
        expect(response.status()).toBe(403)
        expect((await response.request().allHeaders()).cookie).toContain('__Host-portcullis=')
        expect(logged('request.refused').at(-1)).toMatchObject({
          ...{ code: 'origin-refused', askedBy: 'user:olga' },
        })
      } finally {
        await attack.stop()
      }
    },
  )

  withBrowser('a form on another origin signs nobody in', async () => {
    const page = await openPage()
    await page.goto(portal.url)
    const csrf = await page.locator('input[name=csrf]').inputValue()
    const fields = { csrf, user: 'bob', password: PASSWORD }
    const attack = await openAttack(`${portal.url}/sign-in`, fields)
    try {
      await page.goto(attack.url)
      expect((await pressAndWait(page, 'Win a prize')).status()).toBe(403)
      await page.goto(portal.url)
      expect(new URL(page.url()).pathname).toBe('/sign-in')
    } finally {
      await attack.stop()
    }
  })

  withBrowser('the portal’s own form is refused when its token is another session’s', async () => {
    const page = await signIn('alice')
    await page
      .locator('.card input[name=csrf]')
      .evaluate((input) => input.setAttribute('value', 'A'.repeat(43)))
    expect((await pressAndWait(page, 'Console of web-01')).status()).toBe(403)
  })

  withBrowser('too many wrong passwords are told with the time to wait', async () => {
    const page = await openPage()
    await page.goto(portal.url)
    for (let attempt = 0; attempt < 11; attempt += 1) await submitSignIn(page, 'mallory', 'wrong')
    expect(await page.getByRole('alert').innerText()).toMatch(/Try again in \d+ minutes\./)
  })
})

function withBrowser(name: string, body: () => Promise<void>): void {
  testWithPrograms(['chromium'], name, body)
}

/** A page in a profile of its own; a page that breaks its own security policy fails the test. */
async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  if (browser === undefined) throw new Error('chromium did not start')
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.on('console', (message) => {
    expect(message.text()).not.toContain('Content Security Policy')
  })
  return page
}

async function signIn(
  user: string,
  options?: BrowserContextOptions,
  heading = 'Machines',
): Promise<Page> {
  const page = await openPage(options)
  await page.goto(portal.url)
  await submitSignIn(page, user, PASSWORD)
  await page.getByRole('heading', { name: heading, exact: true }).waitFor()
  return page
}

async function submitSignIn(page: Page, user: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(user)
  await page.getByLabel('Password').fill(password)
  await pressAndWait(page, 'Sign in')
}

/** Presses a button whose form is posted, and gives the answer once its page is there. */
async function pressAndWait(page: Page, button: string): Promise<Response> {
  const [response] = await Promise.all([
    page.waitForResponse((answer) => answer.request().method() === 'POST'),
    page.waitForEvent('load'),
    page.getByRole('button', { name: button }).click(),
  ])
  return response
}

/** Resolves when the page behind a link is there: a click does not wait for it. */
async function follow(page: Page, link: string): Promise<void> {
  await Promise.all([page.waitForEvent('load'), page.getByRole('link', { name: link }).click()])
}

function logged(event: string): Array<Record<string, unknown>> {
  return portal.log.filter((line) => line.event === event)
}

async function download(page: Page, name: string): Promise<{ fileName: string; bytes: Buffer }> {
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: `Console of ${name}` }).click()
  const file = await downloading
  return { fileName: file.suggestedFilename(), bytes: await readFile(await file.path()) }
}

/** A page of another origin with a form that is made for the portal. */
async function openAttack(
  action: string,
  fields: Record<string, string>,
): Promise<{ url: string; stop(): Promise<void> }> {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
  )
  const server = await listen(portal.tls, (_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(
      `<form method="post" action="${action}">${inputs.join('')}<button>Win a prize</button></form>`,
    )
  })
  return { url: urlOf(server), stop: () => close(server) }
}
