import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDnsResolver } from '../../src/broker/dns-resolver.ts'

/** RDATA by type: A, AAAA, PTR (`hv1.example.`). */
const ANSWERS: Record<number, number[]> = {
  1: [192, 0, 2, 10],
  28: [0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 1],
  12: [3, ...Buffer.from('hv1'), 7, ...Buffer.from('example'), 0],
}
const NAME_ERROR = 3

/** A DNS server (RFC 1035) that knows one host, whatever it is asked for, and no name that has `none` in it. */
const server = createSocket('udp4', (query, { port, address }) => {
  const question = query.subarray(12, query.indexOf(0, 12) + 5)
  const rdata = ANSWERS[question.readUInt16BE(question.length - 4)] ?? []
  const known = !question.includes('none')
  const header = Buffer.from([
    0x81,
    known ? 0x80 : 0x80 | NAME_ERROR,
    0,
    1,
    0,
    known ? 1 : 0,
    0,
    0,
    0,
    0,
  ])
  // A pointer to the question's name, its type and class, a minute to live.
  const record = [0xc0, 12, ...question.subarray(-4), 0, 0, 0, 60, 0, rdata.length, ...rdata]
  const answer = [query.subarray(0, 2), header, question, ...(known ? [Buffer.from(record)] : [])]
  server.send(Buffer.concat(answer), port, address)
})
let servers: string[]

beforeAll(async () => {
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  servers = [`127.0.0.1:${server.address().port}`]
})
afterAll(() => server.close())

test('asks for addresses of either family, and for the names of an address', async () => {
  const dns = createDnsResolver({ servers })
  expect(await dns.addresses('hv1.example', 4)).toEqual(['192.0.2.10'])
  expect(await dns.addresses('hv1.example', 6)).toEqual(['2001:db8::1'])
  expect(await dns.names('192.0.2.10')).toEqual(['hv1.example'])
})

test('a name that is not there is nothing, and no error', async () => {
  const dns = createDnsResolver({ servers })
  expect(await dns.addresses('none.example', 4)).toEqual([])
  expect(await dns.names('not an address')).toEqual([])
})
