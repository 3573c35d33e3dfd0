/** What everything in the demo is called. */
export const FARM_NAME = 'demo'
/** The name clients dial; every certificate carries it. */
export const SERVER_NAME = 'localhost'
export const NAMES = [SERVER_NAME, '127.0.0.1', '::1']
export const GATEWAYS = ['gw1', 'gw2']
export const HOST = 'demo-host'
/** Of the host agent, and of the host that it stands in front of. */
export const AGENT = 'demo-agent'
export const ALPHA = { id: 'vm-alpha', name: 'alpha' }
/** Stands behind the host agent, which knows a machine by its GUID. */
export const BRAVO = { id: 'vm-bravo', name: 'bravo' }
export const BRAVO_GUID = '0d8a2f6e-3c1b-4e57-9a64-7f2b5c8e1d30'
export const TENANT = { id: 'acme', name: 'Acme Hosting' }
export const TENANT_USER = 'tenant'
export const OPERATOR_USER = 'operator'
