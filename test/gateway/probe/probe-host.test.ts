import 'reflect-metadata'
import { KeyObject, webcrypto } from 'node:crypto'
import { X509CertificateGenerator } from '@peculiar/x509'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type KeyPair, readCertificate } from '../../../src/certs/index.ts'
import type { ProbedHost } from '../../../src/control/index.ts'
import type { AgentSecurity } from '../../../src/gateway/agent-connection.ts'
import { DEFAULT_PROBE_LIMITS } from '../../../src/gateway/probe/limits.ts'
import { type ProbeTools, probeHost } from '../../../src/gateway/probe/probe-host.ts'
import { createTargetPolicy } from '../../../src/gateway/targets.ts'
import { BROKEN, rdpHost, rdpWithoutItsTls } from '../../helpers/broken-hosts.ts'
import { startHyperVHost } from '../../helpers/hyperv-host.ts'
import { freePort } from '../../helpers/ports.ts'
import { startTcpHost } from '../../helpers/tcp-host.ts'
import { createTestKeyPair } from '../../helpers/test-key-pair.ts'
import { startUnanswering } from '../../helpers/unanswering-target.ts'
import { createPeers, identify, startAgent, type TestAgent } from '../../host-agent/support.ts'

const VM = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
/** Whoever answers does so at once, and a busy machine may take long over it. */
const LIMITS = {
  ...DEFAULT_PROBE_LIMITS,
  connectMs: 15_000,
  answerMs: 15_000,
  neighbourMs: 15_000,
  totalMs: 25_000,
}

let tls: KeyPair
const running: Array<{ stop(): void }> = []

beforeAll(async () => {
  tls = await createTestKeyPair()
})
afterEach(() => {
  for (const host of running.splice(0)) host.stop()
})

async function started<Host extends { stop(): void }>(starting: Promise<Host>): Promise<Host> {
  const host = await starting
  running.push(host)
  return host
}

/** A node that may dial these ports of 127.0.0.1, and asks no name server. */
function tools(ports: number[], change: Partial<ProbeTools> = {}): ProbeTools {
  return {
    policy: createTargetPolicy([{ cidr: '127.0.0.1', ports }], []),
    lookup: async () => ['127.0.0.1'],
    reverse: async () => [],
    agents: undefined,
    clock: { now: () => 1_000 },
    limits: LIMITS,
    signal: new AbortController().signal,
    ...change,
  }
}

/** Self-signed, and no word about whose it is. */
async function createNamelessKeyPair(): Promise<KeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ keys, name: '', notBefore: new Date(Date.now() - 60_000) },
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
  })
  const { privateKey } = keys
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' })
  return { certificatePem: certificate.toString('pem'), privateKeyPem: String(key) }
}

function probe(change: Partial<ProbedHost> & { port: number }, with_?: ProbeTools) {
  const host = { id: 'hv1', kind: 'rdp', address: '127.0.0.1', ...change } as const
  return probeHost(host, with_ ?? tools([host.port]))
}

describe('a host that works', () => {
  test('is ready, with security, certificate and times', async () => {
    const { port } = await started(startTcpHost(rdpHost(tls)))
    const result = await probe({ port })
    const { sha256Thumbprint, notAfter } = readCertificate(tls.certificatePem)
    expect(result).toMatchObject({
      ...{ host: 'hv1', address: '127.0.0.1', port, time: 1_000, state: 'ready' },
      ...{ security: 'tls', dialled: '127.0.0.1' },
      certificate: {
        ...{ protocol: 'TLSv1.3', sha256Thumbprint, namesHost: true },
        notAfter: notAfter.getTime(),
      },
    })
    expect(result.connectMs).toBeGreaterThanOrEqual(0)
    expect(result.answerMs).toBeLessThan(LIMITS.answerMs)
    expect(result.reason).toBeUndefined()
  })

  test('is ready without TLS as well', async () => {
    const { port } = await started(startTcpHost(rdpHost()))
    expect(await probe({ port })).toMatchObject({ state: 'ready', security: 'rdp' })
  })

  test('whose certificate is for another name is ready, and that is told', async () => {
    const { port } = await started(startTcpHost(rdpHost(tls)))
    const result = await probe({ port, address: 'hv1.example' })
    expect(result).toMatchObject({ state: 'ready', certificate: { namesHost: false } })
  })

  test('may have a certificate without a subject', async () => {
    const { port } = await started(startTcpHost(rdpHost(await createNamelessKeyPair())))
    const result = await probe({ port })
    expect(result).toMatchObject({ state: 'ready', certificate: { protocol: 'TLSv1.3' } })
    expect(result.certificate).not.toHaveProperty('subject')
  })

  test('has to have the certificate of its pin', async () => {
    const { port } = await started(startTcpHost(rdpHost(tls)))
    const { sha256Thumbprint: pin } = readCertificate(tls.certificatePem)
    expect(await probe({ port, pin })).toMatchObject({ state: 'ready' })
    const other = 'A'.repeat(64)
    const result = await probe({ port, pin: other })
    expect(result).toMatchObject({ state: 'tls-mismatch', reason: 'host-tls-mismatch' })
    expect(result.detail).toBe(`certificate: need ${other}, has ${pin}`)
  })

  test('without TLS does not pass for one with a pin', async () => {
    const { port } = await started(startTcpHost(rdpHost()))
    expect(await probe({ port, pin: 'A'.repeat(64) })).toMatchObject({ state: 'tls-mismatch' })
  })
})

describe('a host that is broken', () => {
  test.each([
    ['resets when asked', 'resets the connection'],
    ['closes when asked', 'closes the connection'],
    ['answers HTTP', 'answers as HTTP'],
    ['speaks VNC', 'answers as VNC'],
    ['speaks SSH', 'answers as SSH'],
    ['answers with half a confirm', 'answers as half a confirm'],
    ['answers with a TLS alert', 'answers as TLS'],
  ])('and %s is not-rdp', async (name, detail) => {
    const { port } = await started(startTcpHost(BROKEN[name] ?? (() => {})))
    const result = await probe({ port })
    expect(result).toMatchObject({ state: 'not-rdp', reason: 'host-not-rdp', detail })
    expect(result.answersOn).toBeUndefined()
  })

  test('and accepts and says nothing is not-rdp when its time is over', async () => {
    const { port } = await started(startTcpHost(BROKEN['accepts and says nothing'] ?? (() => {})))
    const limits = { ...LIMITS, answerMs: 200 }
    expect(await probe({ port }, tools([port], { limits }))).toMatchObject({
      ...{ state: 'not-rdp', reason: 'host-not-rdp' },
      detail: 'accepts the connection and says nothing within 200 ms',
    })
  })

  test('and resets at once is told apart from one that is not there', async () => {
    const { port } = await started(startTcpHost(BROKEN['resets at once'] ?? (() => {})))
    const result = await probe({ port })
    expect(result).toMatchObject({ state: 'not-rdp', detail: 'resets the connection' })
  })

  test('and refuses connections is unreachable', async () => {
    const result = await probe({ port: await freePort() })
    expect(result).toMatchObject({ state: 'unreachable', reason: 'host-unreachable' })
    expect(result.detail).toBe('refuses connections to this port')
  })

  test('and never answers a connect is unreachable in time', async () => {
    const target = await startUnanswering()
    try {
      const limits = { ...LIMITS, connectMs: 200 }
      const result = await probe({ port: target.port }, tools([target.port], { limits }))
      expect(result).toMatchObject({ state: 'unreachable', detail: 'does not answer' })
    } finally {
      await target.close()
    }
  })

  test('and chooses TLS that it does not speak is a tls-mismatch', async () => {
    const { port } = await started(startTcpHost(rdpWithoutItsTls))
    const result = await probe({ port })
    expect(result).toMatchObject({ state: 'tls-mismatch', reason: 'host-tls-mismatch' })
  })

  test('and takes longer than a probe may is unreachable', async () => {
    const { port } = await started(startTcpHost(BROKEN['accepts and says nothing'] ?? (() => {})))
    const limits = { ...LIMITS, answerMs: 60_000, totalMs: 200 }
    const result = await probe({ port }, tools([port], { limits }))
    expect(result).toMatchObject({ state: 'unreachable', detail: 'not done within 200 ms' })
  })
})

describe('the right port', () => {
  test('is named when nothing listens on the one of the record', async () => {
    const port = await freePort(2)
    await started(startTcpHost(rdpHost(tls), port + 1))
    const result = await probe({ port }, tools([port, port + 1]))
    expect(result).toMatchObject({ state: 'wrong-port', answersOn: port + 1 })
    expect(result).toMatchObject({ reason: 'host-unreachable' })
  })

  test('is named when something else listens there', async () => {
    const port = await freePort(2)
    await started(startTcpHost(BROKEN['answers HTTP'] ?? (() => {}), port))
    await started(startTcpHost(rdpHost(), port + 1))
    const result = await probe({ port }, tools([port, port + 1]))
    expect(result).toMatchObject({ state: 'wrong-port', answersOn: port + 1 })
    expect(result).toMatchObject({ reason: 'host-not-rdp', detail: 'answers as HTTP' })
  })

  test('that says nothing on other ports either is not waited for', async () => {
    const port = await freePort(2)
    await started(startTcpHost(BROKEN['accepts and says nothing'] ?? (() => {}), port + 1))
    const limits = { ...LIMITS, neighbourMs: 100 }
    const beganMs = performance.now()
    const result = await probe({ port }, tools([port, port + 1], { limits }))
    expect(result).toMatchObject({ state: 'unreachable' })
    expect(performance.now() - beganMs).toBeLessThan(10_000)
  })

  test('is looked for only where the node may open consoles', async () => {
    const port = await freePort(2)
    const callers: unknown[] = []
    await started(startTcpHost((socket) => void callers.push(socket), port + 1))
    expect(await probe({ port })).toMatchObject({ state: 'unreachable' })
    expect(callers).toEqual([])
  })
})

test('an address that no rule of the node allows is not dialled', async () => {
  const { port } = await started(startTcpHost(rdpHost()))
  const result = await probe({ port }, tools([port + 1]))
  expect(result).toMatchObject({ state: 'unreachable', reason: 'target-not-allowed' })
  const metadata = await probe({ port, address: '169.254.169.254' })
  expect(metadata).toMatchObject({ state: 'unreachable', reason: 'target-not-allowed' })
})

test('a name that nobody knows is unreachable', async () => {
  const lookup = async () => {
    throw new Error('getaddrinfo ENOTFOUND')
  }
  const result = await probe({ port: 3389, address: 'hv1.example' }, tools([3389], { lookup }))
  expect(result).toMatchObject({ state: 'unreachable', reason: 'host-unreachable' })
})

describe('forward and reverse look-up', () => {
  test.each([
    ['hv1.example', ['hv1.example'], true],
    ['hv1.example', ['HV1.example.'], true],
    ['hv1', ['hv1.example'], true],
    ['hv1.example', ['old.example'], false],
    ['127.0.0.1', ['hv1.example'], true],
  ])('%s, of which reverse says %s', async (address, names, match) => {
    const { port } = await started(startTcpHost(rdpHost()))
    const result = await probe({ port, address }, tools([port], { reverse: async () => names }))
    expect(result.names).toMatchObject({ match })
  })

  test('that hang or fail are not waited for, and say nothing', async () => {
    const { port } = await started(startTcpHost(rdpHost()))
    const limits = { ...LIMITS, namesMs: 100 }
    const hanging = tools([port], { limits, reverse: () => new Promise(() => {}) })
    const result = await probe({ port }, hanging)
    expect(result.state).toBe('ready')
    expect(result.names).toBeUndefined()
  })
})

describe('Hyper-V', () => {
  test('gets the blob of one of its machines, then TLS, and nothing in it', async () => {
    const host = await started(startHyperVHost([VM]))
    const result = await probe({ kind: 'hyperv', port: host.port, guid: VM })
    expect(result).toMatchObject({ state: 'ready', security: 'tls after the blob' })
    expect(result.certificate).toMatchObject({ protocol: 'TLSv1.3' })
    const text = Buffer.from(`${VM}\0`, 'utf16le').toString('hex')
    // cbSize 92, flags, version 2, id 0, cchPCB 37: [MS-RDPEPS] 2.2.1.2.
    const blob = `5c000000${'00000000'}02000000${'00000000'}2500${text}`
    const seen = { blob, text: VM, tls: true, firstInside: undefined }
    await vi.waitFor(() => expect(host.connections).toEqual([seen]), { timeout: 15_000 })
  })

  test('that knows no such machine hangs up, which is told', async () => {
    const host = await started(startHyperVHost([VM]))
    const result = await probe({ kind: 'hyperv', port: host.port })
    expect(result).toMatchObject({ state: 'not-rdp' })
    expect(result.detail).toContain('after the blob')
  })

  test('is not what an RDP or a Web server is', async () => {
    for (const behaviour of [rdpHost(tls), BROKEN['answers HTTP'] ?? (() => {})]) {
      const { port } = await started(startTcpHost(behaviour))
      expect(await probe({ kind: 'hyperv', port, guid: VM })).toMatchObject({ state: 'not-rdp' })
    }
  })
})

describe('a host agent', () => {
  let peers: Awaited<ReturnType<typeof createPeers>>
  let agent: TestAgent

  beforeAll(async () => {
    peers = await createPeers()
    agent = await startAgent({ security: { ...peers.agent, ca: peers.ca, identify } })
  })
  afterAll(() => agent?.close())

  const asNode = (pair: KeyPair): AgentSecurity => ({ ...pair, ca: peers.ca, identify })

  function probeAgent(agents: AgentSecurity | undefined, port = agent.address.port) {
    return probe({ kind: 'agent', port }, tools([port], { agents }))
  }

  test('is ready when it refuses, over mutual TLS, a console that nobody has a token for', async () => {
    const result = await probeAgent(asNode(peers.node))
    expect(result).toMatchObject({ state: 'ready', security: 'mutual tls' })
    expect(result.certificate).toMatchObject({ namesHost: true })
    expect(agent.console.sockets).toEqual([])
  })

  test('takes no other peer for a node, which is told', async () => {
    const result = await probeAgent(asNode(peers.otherAgent))
    expect(result.state).not.toBe('ready')
  })

  test('is a tls-mismatch when another one answers, or a host that has no such TLS', async () => {
    const other = await startAgent({ security: { ...peers.otherAgent, ca: peers.ca, identify } })
    try {
      const result = await probeAgent(asNode(peers.node), other.address.port)
      expect(result).toMatchObject({ state: 'tls-mismatch', reason: 'host-tls-mismatch' })
      const { port } = await started(startTcpHost(BROKEN['answers HTTP'] ?? (() => {})))
      expect(await probeAgent(asNode(peers.node), port)).toMatchObject({ state: 'tls-mismatch' })
    } finally {
      await other.close()
    }
  })

  test('is dialled without TLS only where the node says so', async () => {
    const plain = await startAgent()
    try {
      const { port } = plain.address
      expect(await probeAgent('plain', port)).toMatchObject({ state: 'ready', security: 'plain' })
      expect(await probeAgent(asNode(peers.node), port)).toMatchObject({ state: 'tls-mismatch' })
    } finally {
      await plain.close()
    }
  })

  test('is not dialled by a node that says nothing of agents', async () => {
    const result = await probeAgent(undefined)
    expect(result).toMatchObject({ state: 'unreachable', reason: 'policy-denied' })
  })
})

test('a VNC server is known by its version', async () => {
  const { port } = await started(startTcpHost(BROKEN['speaks VNC'] ?? (() => {})))
  expect(await probe({ kind: 'vnc', port })).toMatchObject({ state: 'ready', security: 'vnc' })
  const { port: other } = await started(startTcpHost(BROKEN['speaks SSH'] ?? (() => {})))
  expect(await probe({ kind: 'vnc', port: other })).toMatchObject({ state: 'not-rdp' })
})

test('a node that stops ends its probes', async () => {
  const { port } = await started(startTcpHost(BROKEN['accepts and says nothing'] ?? (() => {})))
  const stop = new AbortController()
  const probing = probe({ port }, tools([port], { signal: stop.signal }))
  stop.abort(new Error('this node stops'))
  await expect(probing).rejects.toThrow('this node stops')
})
