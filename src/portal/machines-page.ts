import type { Session, VmSummary } from '../broker/index.ts'
import type { AssetUrl } from './assets.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './layout.ts'
import { formatWait, wordsFor } from './words.ts'

type Tenant = NonNullable<Session['tenant']>

export interface MachinesPageOptions {
  asset: AssetUrl
  session: Session
  /** The session's. */
  tenant: Tenant
  vms: VmSummary[]
}

export function renderMachinesPage(options: MachinesPageOptions): string {
  const { asset, session, tenant, vms } = options
  const content = html`<h1>Machines</h1>
${vms.length === 0 ? renderEmpty(tenant) : [renderList(options), renderHints(options)]}`
  return renderPage({ title: 'Machines', asset, session, content })
}

function renderEmpty(tenant: Tenant): Html {
  return html`<div class="card empty">
<h2>No machines yet</h2>
<p>As soon as your provider adds a machine for ${tenant.name}, it appears here with its console.</p>
</div>`
}

/** One form for the whole list: the button that is pressed names the machine. */
function renderList({ session, vms }: MachinesPageOptions): Html {
  return html`<p class="lead">Press <b>Console</b>, then open the file that is downloaded.</p>
<form class="card" method="post" action="/console" data-consoles>
<input type="hidden" name="csrf" value="${session.csrfToken}">
<ul class="machines">
${vms.map((vm, index) => renderMachine(vm, `vm-${index}`))}
</ul>
</form>
<p class="status" role="status" data-status></p>`
}

function renderMachine(vm: VmSummary, elementId: string): Html {
  const reason = reasonOf(vm)
  const describedBy = reason !== undefined && html` aria-describedby="${elementId}-reason"`
  const button = vm.consoleAvailable
    ? renderButton(vm, describedBy)
    : html`<button class="primary" disabled${describedBy}>${label(vm)}</button>`
  return html`<li>
<div class="machine">
<h2>${vm.name}</h2>
<p class="kind">${KINDS.get(vm.kind) ?? vm.kind}</p>
${reason !== undefined && html`<p class="reason" id="${elementId}-reason">${wordsFor(reason).sentence}</p>`}
</div>
${button}
</li>`
}

function renderButton(vm: VmSummary, describedBy: Html | false): Html {
  const { id, name, fileLifetimeSeconds = 0 } = vm
  return html`<button class="primary" name="vm" value="${id}" data-name="${name}"
 data-lifetime-seconds="${fileLifetimeSeconds}" data-lifetime="${formatWait(fileLifetimeSeconds)}"${describedBy}>${label(vm)}</button>`
}

/** A list of equal buttons is no help to someone who hears it. */
function label({ name }: VmSummary): Html {
  return html`Console<span class="visually-hidden"> of ${name}</span>`
}

/** Nodes look once a minute: a host that is down may be back, so its button works. */
function reasonOf({
  consoleAvailable,
  unavailableReason,
  hostTrouble,
}: VmSummary): string | undefined {
  return consoleAvailable ? hostTrouble : (unavailableReason ?? 'unavailable')
}

const KINDS = new Map([
  ['rdp', 'Remote Desktop'],
  ['hyperv', 'Hyper-V console'],
  ['agent', 'Virtual machine console'],
  ['vnc', 'VNC console'],
])

/** Policy may give each machine's files a life of their own. */
function lifetimeOf(vms: VmSummary[]): string {
  const lifetimes = vms.flatMap(({ fileLifetimeSeconds }) => fileLifetimeSeconds ?? [])
  if (lifetimes.length === 0) return 'a short time'
  const [least, most] = [Math.min(...lifetimes), Math.max(...lifetimes)].map(formatWait)
  return least === most ? `${least}` : `${least} to ${most}`
}

function renderHints({ vms }: MachinesPageOptions): Html {
  return html`<section class="hints" aria-labelledby="hints">
<h2 id="hints">Opening the file</h2>
<dl>
<div><dt>Windows</dt><dd>Double-click it, or run <code>mstsc NAME.rdp</code>.</dd></div>
<div><dt>macOS, iOS, Android</dt><dd>Open it with <b>Windows App</b>.</dd></div>
<div><dt>Linux</dt><dd>Run <code>xfreerdp NAME.rdp</code> (FreeRDP 3: <code>xfreerdp3</code>), or open it with Remmina.</dd></div>
</dl>
<p>A file is valid for ${lifetimeOf(vms)} and for one session. Whoever has it can open
the console, so do not pass it on; for another session press Console again.</p>
</section>`
}
