import type { Session } from '../broker/index.ts'
import type { AssetUrl } from './assets.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './layout.ts'

export interface AccountPageOptions {
  asset: AssetUrl
  session: Session
}

/** What somebody of the provider sees, who has no machines: what the account may, and where. */
export function renderAccountPage({ asset, session }: AccountPageOptions): string {
  const { roles } = session
  const content = html`<h1>Your account</h1>
${roles.length === 0 ? NO_ROLES : [renderRoles(roles), API]}`
  return renderPage({ title: 'Your account', asset, session, content })
}

const NO_ROLES = html`<div class="card empty">
<h2>No roles yet</h2>
<p>This account belongs to the provider and not to a tenant, so it has no machines. It has no role either: an operator can give it some.</p>
</div>`

function renderRoles(roles: Session['roles']): Html {
  return html`<p class="lead">This account belongs to the provider and not to a tenant, so it has no machines. It has these roles:</p>
<section class="hints" aria-labelledby="roles">
<h2 id="roles">Roles</h2>
<dl>
${roles.map((role) => html`<div><dt>${role}</dt><dd>${MEANINGS[role]}</dd></div>\n`)}
</dl>
</section>`
}

const MEANINGS: Record<Session['roles'][number], string> = {
  viewer: 'Read everything but tokens.',
  support: 'Read everything; list, end and message sessions; revoke consoles; look references up.',
  operator: 'Tenants, hosts, machines, users, nodes and policy; open consoles of all tenants.',
  'trust-admin': 'Issuers, API keys and certificates.',
}

/** Links work by the session's cookie, like everything that a page of this site asks for. */
const API = html`<section class="hints" aria-labelledby="api">
<h2 id="api">The API</h2>
<p>While you are signed in, this browser may use it as your roles allow: <a href="/v1/openapi.json">what there is</a>,
<a href="/v1/audit">who did what</a>. From a command line it takes a key: <code>portcullis --help</code>.</p>
</section>`
