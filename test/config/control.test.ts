import { expect, test } from 'vitest'
import { loadBrokerConfig, loadGatewayConfig } from '../../src/config/index.ts'
import { BROKER, GATEWAY, writeConfig } from './files.ts'

const PAIR = '{ certificateFile: control.crt, privateKeyFile: control.key }'
const ALONE = GATEWAY.replace(/trust:[\s\S]*?targets:/, 'targets:')

const gateway = (text: string) => loadGatewayConfig(writeConfig(text), {})
const broker = (text: string) => loadBrokerConfig(writeConfig(text), {})

test('a node under a broker names it in place of issuers', () => {
  const config = gateway(
    `${ALONE}control: { broker: 'Broker.example', tls: ${PAIR}, caFile: ca.crt, stateFile: state.json }`,
  )
  expect(config.trust).toEqual([])
  expect(config.control).toMatchObject({
    broker: { host: 'broker.example', port: 8444 },
    caFile: expect.stringMatching(/^\/.*\/ca\.crt$/),
    stateFile: expect.stringMatching(/^\/.*\/state\.json$/),
    maxTrustAgeHours: 24,
  })
  expect(config.redeem.whenBrokerAway).toBe('local')
})

test('a node has issuers or a broker, never both and never neither', () => {
  const need = 'need either trust or control'
  expect(() => gateway(ALONE)).toThrow(`trust: missing; ${need}`)
  const control = `control: { broker: b.example, tls: ${PAIR}, caFile: ca.crt }`
  expect(() => gateway(`${GATEWAY}${control}`)).toThrow(need)
})

test('a broker listens for nodes, on loopback with development certificates', () => {
  const control = `control: { listen: '0.0.0.0:8444', tls: ${PAIR}, caFile: ca.crt }\n`
  expect(broker(`${BROKER}${control}`).control?.listen).toEqual({ host: '0.0.0.0', port: 8444 })
  expect(broker(BROKER).control).toBeUndefined()
  const development = `${BROKER}${control}development: true`.replace('0.0.0.0:8443', '127.0.0.1:1')
  expect(() => broker(development)).toThrow('control.listen: have "0.0.0.0:8444"; need a loopback')
})
