import type { AssetUrl } from './assets.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './layout.ts'

export interface SignInPageOptions {
  asset: AssetUrl
  csrfToken: string
  /** What was typed last time; the cursor then waits in the password. */
  user?: string | undefined
  /** Why the last try failed. */
  problem?: SignInProblem | undefined
  /** Other news, such as having signed out. */
  notice?: string | undefined
}

export interface SignInProblem {
  text: string
  /** What support looks up; absent when nothing was recorded. */
  ref?: string
}

export function renderSignInPage(options: SignInPageOptions): string {
  const { asset, csrfToken, user, problem, notice } = options
  const described = problem !== undefined && html` aria-describedby="problem"`
  const content = html`<div class="card narrow">
<h1>Sign in</h1>
<p class="lead">to open the consoles of your machines</p>
${notice !== undefined && html`<p class="notice" role="status">${notice}</p>`}
${problem !== undefined && renderProblem(problem)}
<form class="stack" method="post" action="/sign-in">
<input type="hidden" name="csrf" value="${csrfToken}">
<label for="user">User name</label>
<input id="user" name="user" value="${user}" autocomplete="username" autocapitalize="none"
 spellcheck="false" maxlength="128" required${user === undefined && AUTOFOCUS}${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="1024" required${user !== undefined && AUTOFOCUS}${described}>
<button class="primary">Sign in</button>
</form>
</div>`
  return renderPage({ title: 'Sign in', asset, content })
}

const AUTOFOCUS = html` autofocus`

function renderProblem({ text, ref }: SignInProblem): Html {
  return html`<div class="problem" id="problem" role="alert">
<p>${text}</p>
${ref !== undefined && html`<p class="reference">Support reference <strong>${ref}</strong></p>`}
</div>`
}
