import type { Session } from '../broker/index.ts'
import type { AssetUrl } from './assets.ts'
import { html } from './html.ts'
import { renderPage } from './layout.ts'
import { formatWait, wordsFor, wordsForOpenFiles } from './words.ts'

/** Why something did not happen, as the tenant may know it. */
export interface Failure {
  /** HTTP status. */
  status: number
  /** A `Reason` or a code of the API. */
  code: string
  /** What support looks up: `7K3M-Q2XD`. */
  ref: string
  /** Whole seconds until another try makes sense. */
  retryAfterSeconds?: number | undefined
  /** So many files can still be opened, and no more are given out because of that. */
  openFiles?: number | undefined
}

export interface FailurePageOptions {
  asset: AssetUrl
  failure: Failure
  session?: Session | undefined
}

/** One sentence says why, one what to do, and the reference is easy to read out. */
export function renderFailurePage({ asset, failure, session }: FailurePageOptions): string {
  const { code, openFiles, retryAfterSeconds: wait } = failure
  const { title, sentence, advice } =
    openFiles === undefined ? wordsFor(code) : wordsForOpenFiles(openFiles)
  const again = wait === undefined ? '' : `Try again in ${formatWait(wait)}.`
  const content = html`<div class="card narrow failure">
<div role="alert">
<h1>${title}</h1>
<p class="sentence">${sentence}</p>
</div>
<p>${openFiles === undefined ? again || advice : `${advice} ${again}`}</p>
<dl class="reference-box">
<dt>Support reference</dt>
<dd>${failure.ref}</dd>
</dl>
<a class="button" href="/">${session === undefined ? 'To the portal' : 'Back to your machines'}</a>
</div>`
  return renderPage({ title, asset, session, content })
}
