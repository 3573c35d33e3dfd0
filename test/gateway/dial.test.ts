import { expect, test } from 'vitest'
import { type DialOptions, dialHost } from '../../src/gateway/dial.ts'
import { createTargetPolicy } from '../../src/gateway/targets.ts'
import { startTarget } from '../helpers/scripted-target.ts'
import { startUnanswering } from '../helpers/unanswering-target.ts'
import { startHost } from './support/scripted-host.ts'

function options(port: number, change: Partial<DialOptions> = {}): DialOptions {
  return {
    policy: createTargetPolicy([{ cidr: '127.0.0.0/8', ports: [port] }], []),
    timeoutMs: 5_000,
    maxAttempts: 4,
    signal: new AbortController().signal,
    ...change,
  }
}

test('connects to the address that was admitted', async () => {
  const host = await startHost()
  const { socket, target } = await dialHost(
    { host: 'localhost', port: host.port },
    options(host.port),
  )
  expect(target).toEqual({ address: '127.0.0.1', port: host.port })
  expect(socket.remoteAddress).toBe('127.0.0.1')
  socket.destroy()
  host.close()
})

test('a host that refuses, and a name that has no address, are unreachable', async () => {
  const host = await startHost()
  host.close()
  await expect(
    dialHost({ host: '127.0.0.1', port: host.port }, options(host.port)),
  ).rejects.toMatchObject({
    reason: 'host-unreachable',
  })
  await expect(dialHost({ host: 'no-such.invalid', port: 1 }, options(1))).rejects.toMatchObject({
    reason: 'host-unreachable',
  })
})

test('stops when its signal does, with the reason of that', async () => {
  const host = await startHost()
  const signal = AbortSignal.abort(new Error('the client has gone'))
  const dialled = dialHost({ host: '127.0.0.1', port: host.port }, options(host.port, { signal }))
  await expect(dialled).rejects.toThrow('the client has gone')
  host.close()
})

test('stops in the middle of a name look-up as well, and after its time', async () => {
  const never = () => new Promise<never>(() => {})
  const endpoint = { host: 'hv1.example', port: 3389 }
  const leaving = new AbortController()
  const dialled = dialHost(endpoint, options(3389, { lookup: never, signal: leaving.signal }))
  leaving.abort(new Error('the client has gone'))
  await expect(dialled).rejects.toThrow('the client has gone')
  const late = dialHost(endpoint, options(3389, { lookup: never, timeoutMs: 50 }))
  await expect(late).rejects.toMatchObject({
    reason: 'host-unreachable',
    message: 'hv1.example port 3389: no answer within 50 ms',
  })
})

test('an address that stays silent leaves time for the next one', async () => {
  const silent = await startUnanswering()
  const host = await startTarget(undefined, { host: '127.0.0.2', port: silent.port })
  const lookup = async () => ['127.0.0.1', '127.0.0.2']
  const endpoint = { host: 'hv1.example', port: silent.port }
  const { socket, target } = await dialHost(
    endpoint,
    options(silent.port, { lookup, timeoutMs: 4_000 }),
  )
  expect(target.address).toBe('127.0.0.2')
  socket.destroy()
  host.close()
  await silent.close()
})

test('gives up after as many addresses as are allowed', async () => {
  const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
  const host = await startTarget(undefined, { host: '127.0.0.4' })
  const dial = (maxAttempts: number) =>
    dialHost(
      { host: 'hv1.example', port: host.port },
      options(host.port, { lookup: async () => addresses, maxAttempts }),
    )
  await expect(dial(2)).rejects.toMatchObject({ reason: 'host-unreachable' })
  const { socket, target } = await dial(3)
  expect(target.address).toBe('127.0.0.4')
  socket.destroy()
  host.close()
})
