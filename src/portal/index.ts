/**
 * The tenant's pages: sign in, see one's own machines, press Console, get the `.rdp` file. Plain
 * HTML rendered here, one style sheet, no framework, and it works without scripts. It decides
 * nothing about tenants or machines and holds no store and no key: everything is asked of the
 * broker's `PortalServices`. Start reading at `create-portal.ts`.
 */
export { createPortal, type Portal, type PortalOptions } from './create-portal.ts'
