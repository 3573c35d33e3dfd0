import type { Session } from '../broker/index.ts'
import type { AssetUrl } from './assets.ts'
import { type Html, html } from './html.ts'

export interface PageOptions {
  /** Of the window; the product's name is added. */
  title: string
  asset: AssetUrl
  /** Who is signed in; absent on pages that anybody may see. */
  session?: Session | undefined
  content: Html
}

/** The document around every page: head, header with the account, main. */
export function renderPage({ title, asset, session, content }: PageOptions): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · Portcullis</title>
<link rel="icon" href="${asset('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${asset('portal.css')}">
<script src="${asset('portal.js')}" defer></script>
</head>
<body>
<header class="bar">
<div class="bar-inner">
<a class="brand" href="/">${LOGO}<span>Portcullis</span></a>
${session !== undefined && renderAccount(session)}
</div>
</header>
<main>
${content}
</main>
</body>
</html>
`
  return page.toString()
}

function renderAccount({ user, tenant, csrfToken }: Session): Html {
  return html`<form class="account" method="post" action="/sign-out">
<input type="hidden" name="csrf" value="${csrfToken}">
<p class="who"><span class="visually-hidden">Signed in as </span>${user}${
    tenant !== undefined && html`<span class="tenant">${tenant.name}</span>`
  }</p>
<button class="quiet">Sign out</button>
</form>`
}

/** A gate of three bars and two cross-bars; takes the colour of the text around it. */
const LOGO = html`<svg class="logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
<path d="M4 20V10a8 8 0 0 1 16 0v10M9 3v17M15 3v17M4 10h16M4 15h16"/>
</svg>`
