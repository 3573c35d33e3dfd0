import type { NodeDrain } from '../../store/index.ts'
import { DEFAULT_DRAIN_SECONDS, drainBody, nodeShape } from '../node-schemas.ts'
import type { Nodes, RegisteredNode } from '../nodes.ts'
import { pageOf, pageQuery } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { listOf } from '../schemas.ts'

/** Gateway nodes: seen, taken out of service and back. */
export function nodeRoutes(nodes: Nodes): Route[] {
  const content = { 'application/json': { schema: nodeShape } }
  return [
    defineRoute({
      method: 'get',
      path: '/v1/nodes',
      operationId: 'listNodes',
      summary: 'The gateway nodes, in the order of names',
      access: 'inventory.read',
      answers: {
        '200': {
          description: 'The nodes.',
          content: { 'application/json': { schema: listOf(nodeShape) } },
        },
      },
      query: pageQuery,
      async handle({ query }) {
        const { items, ...next } = pageOf(await nodes.list(), query, ({ name }) => name)
        return { status: 200, body: { items: items.map(render), ...next } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/nodes/{id}',
      operationId: 'getNode',
      summary: 'One node',
      access: 'inventory.read',
      answers: { '200': { description: 'The node.', content } },
      async handle({ id }) {
        return { status: 200, body: render(await nodes.get(id)) }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/nodes/{id}/drain',
      operationId: 'drainNode',
      summary: 'Take a node out of service: no new tunnels, the open ones may go on for a while',
      access: 'inventory.write',
      body: drainBody,
      answers: {
        '200': {
          description: 'It is ordered; `drain.confirmed` says when the node obeys.',
          content,
        },
      },
      async handle({ id, body, caller }) {
        const { deadlineSeconds = DEFAULT_DRAIN_SECONDS, message } = body
        const node = await nodes.drain(id, {
          deadlineSeconds,
          askedBy: caller.name,
          ...(message === undefined ? {} : { message }),
        })
        return { status: 200, body: render(node) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/nodes/{id}/drain',
      operationId: 'cancelDrain',
      summary: 'Put a node back into service; again is no error',
      access: 'inventory.write',
      answers: { '204': { description: 'It is told to admit tunnels again.' } },
      async handle({ id, caller }) {
        await nodes.cancelDrain(id, caller.name)
        return { status: 204 }
      },
    }),
  ]
}

function render(node: RegisteredNode) {
  const { name, standing, issues, tunnels, software, address, clockOffsetMs, drain } = node
  const { trustVersion, trustCurrent, revocationVersion, certificateNotAfterMs, lastSeenMs } = node
  return {
    id: name,
    state: standing,
    issues,
    tunnels,
    software,
    address,
    trustVersion,
    trustCurrent,
    revocationVersion,
    clockOffsetMs,
    ...(certificateNotAfterMs === undefined
      ? {}
      : { certificateNotAfter: toTimestamp(certificateNotAfterMs) }),
    lastSeenAt: toTimestamp(lastSeenMs),
    ...(drain === undefined ? {} : { drain: renderDrain(drain, node) }),
  }
}

function renderDrain(
  { askedAtMs, deadlineMs, message, askedBy }: NodeDrain,
  { state, tunnels }: RegisteredNode,
) {
  const confirmed = state === 'draining'
  return {
    askedAt: toTimestamp(askedAtMs),
    deadline: toTimestamp(deadlineMs),
    message,
    askedBy,
    confirmed,
    done: confirmed && tunnels === 0,
  }
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
