import { expect, test } from 'vitest'
import { type Route, routeRequest } from '../../../src/gateway/http/routes.ts'
import { parseRequestHead } from '../../../src/protocol/index.ts'

const ID = '33001A58-6AD9-F0F6-A16B-14BBB641C5FE'
const GUID = ID.toLowerCase()

function route(requestLine: string, ...fields: string[]): Route {
  const text = [`${requestLine} HTTP/1.1`, 'Host: gw', ...fields, '', ''].join('\r\n')
  const parsed = parseRequestHead(Buffer.from(text))
  if (parsed === undefined) throw new TypeError('no whole head')
  return routeRequest(parsed.head)
}

const UPGRADE = [
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-Websocket-Version: 13',
]
const PATH = '/remoteDesktopGateway/'

test('an upgrade may come as RDG_OUT_DATA with Content-Length 0', () => {
  const fields = [...UPGRADE, 'Content-Length: 0', `RDG-Connection-Id: {${ID}}`]
  expect(route(`RDG_OUT_DATA ${PATH}`, ...fields)).toEqual({
    kind: 'websocket',
    accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    connectionId: GUID,
    correlationId: undefined,
    subprotocol: undefined,
  })
})

test('an upgrade may come as GET with its ids in the query', () => {
  const target = `${PATH}?ConId=${ID}&CorId=%7B${ID}%7D&ClGen=x`
  expect(route(`GET ${target}`, ...UPGRADE, 'Sec-WebSocket-Protocol: chat, binary')).toMatchObject({
    kind: 'websocket',
    connectionId: GUID,
    correlationId: GUID,
    subprotocol: 'binary',
  })
})

test('the key of FreeRDP 2 is taken though it is no base64', () => {
  const fields = UPGRADE.map((field) => field.replace(/Key: .*/, 'Key: ABC@[\\]^_ABCDEF'))
  expect(route(`RDG_OUT_DATA ${PATH}`, ...fields)).toMatchObject({ kind: 'websocket' })
})

test('an upgrade needs a key and version 13', () => {
  const without = (name: string) => UPGRADE.filter((field) => !field.includes(name))
  expect(route(`GET ${PATH}`, ...without('Key'))).toMatchObject({ status: 400 })
  expect(route(`GET ${PATH}`, ...without('Version'), 'Sec-WebSocket-Version: 8')).toEqual({
    kind: 'refused',
    status: 426,
    fields: [['Sec-WebSocket-Version', '13']],
  })
})

test('OUT and IN need a connection id; case and braces of it do not matter', () => {
  expect(route(`RDG_OUT_DATA ${PATH}`, `RDG-Connection-Id: ${ID}`)).toMatchObject({
    kind: 'out',
    connectionId: GUID,
  })
  const chunked = [`RDG-Connection-Id: {${GUID}}`, 'Transfer-Encoding: chunked']
  expect(route(`RDG_IN_DATA ${PATH}`, ...chunked)).toMatchObject({
    kind: 'in',
    connectionId: GUID,
    chunked: true,
  })
  expect(route(`RDG_OUT_DATA ${PATH}`)).toMatchObject({ status: 400 })
  expect(route(`RDG_IN_DATA ${PATH}`, 'RDG-Connection-Id: {1234}')).toMatchObject({ status: 400 })
})

test.each([
  ['RDG_OUT_DATA', 'Content-Length: 10'],
  ['RDG_OUT_DATA', 'Transfer-Encoding: chunked'],
  ['RDG_IN_DATA', 'Content-Length: 10'],
  ['RDG_IN_DATA', 'Transfer-Encoding: gzip, chunked'],
])('refuses a body on %s: %s', (method, field) => {
  const id = `RDG-Connection-Id: ${ID}`
  expect(route(`${method} ${PATH}`, id, field)).toMatchObject({ kind: 'refused', status: 400 })
})

test('refuses both lengths at once', () => {
  const fields = [`RDG-Connection-Id: ${ID}`, 'Content-Length: 0', 'Transfer-Encoding: chunked']
  expect(route(`RDG_IN_DATA ${PATH}`, ...fields)).toMatchObject({ status: 400 })
})

test.each([
  [`POST ${PATH}`, 405],
  [`GET ${PATH}`, 405],
  [`RDG_FOO ${PATH}`, 405],
  ['GET /', 404],
  ['RPC_IN_DATA /rpc/rpcproxy.dll?localhost:3388', 404],
  ['POST /healthz', 405],
  ['OPTIONS *', 400],
])('%s is %i', (requestLine, status) => {
  expect(route(requestLine)).toMatchObject({ kind: 'refused', status })
})

test('the path goes without its last slash and in any case', () => {
  expect(route('RDG_OUT_DATA /REMOTEDESKTOPGATEWAY', `RDG-Connection-Id: ${ID}`).kind).toBe('out')
})

test('health and readiness answer GET and HEAD', () => {
  expect(route('GET /healthz').kind).toBe('health')
  expect(route('HEAD /readyz').kind).toBe('readiness')
})
