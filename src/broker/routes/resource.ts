import { z } from 'zod'
import type { DeleteOutcome, PutOutcome, VmPage } from '../../store/index.ts'
import { ApiError, notFound } from '../errors.ts'
import { pageQuery, readPage } from '../paging.ts'
import type { Caller } from '../rights.ts'
import { defineRoute, type Route } from '../route.ts'
import { listOf, type vmQuery } from '../schemas.ts'

/** A kind of thing in the inventory: how it is read, written and shown. */
export interface Resource<Body extends z.ZodType, Record extends { id: string }> {
  /** `host`: names the path `/v1/hosts` and the operations. */
  name: string
  /** What its ids may be, where that is not the usual. */
  id?: z.ZodType<string>
  body: Body
  shape: z.ZodType
  /** What its list takes, where that is more than a page. */
  query?: typeof pageQuery | typeof vmQuery
  records: {
    get(id: string): Promise<Record | undefined>
    list(page?: VmPage): Promise<Record[]>
    delete(id: string, caller: Caller): Promise<DeleteOutcome>
  }
  put(id: string, body: z.output<Body>, caller: Caller): Promise<PutOutcome>
  /** In the same order. */
  render(records: Record[]): unknown[] | Promise<unknown[]>
  /** Said when others still name it. */
  inUse: string
}

const onlyNewHeader = z.object({
  'If-None-Match': z.literal('*').optional().meta({ description: 'Only create: 412 otherwise.' }),
})

/** GET of all and one, PUT, DELETE. */
export function resourceRoutes<Body extends z.ZodType, Record extends { id: string }>(
  resource: Resource<Body, Record>,
): Route[] {
  const { name, id: idSchema, body, shape, records, put, render, inUse } = resource
  const ids = idSchema === undefined ? {} : { id: idSchema }
  const all = `/v1/${name}s`
  const one = `${all}/{id}`
  const title = name.charAt(0).toUpperCase() + name.slice(1)
  const content = { 'application/json': { schema: shape } }

  async function read(id: string): Promise<unknown> {
    const record = await records.get(id)
    if (record === undefined) throw notFound(name, id)
    const [rendered] = await render([record])
    return rendered
  }

  return [
    defineRoute({
      method: 'get',
      path: all,
      operationId: `list${title}s`,
      summary: `All ${name}s, in the order of ids`,
      access: 'inventory.read',
      answers: {
        '200': {
          description: `The ${name}s.`,
          content: { 'application/json': { schema: listOf(shape) } },
        },
      },
      query: resource.query ?? pageQuery,
      async handle({ query }) {
        const { limit, after, ...filter } = query
        const { items, ...next } = await readPage({ limit, after }, (page) =>
          records.list({ ...filter, ...page }),
        )
        return { status: 200, body: { items: await render(items), ...next } }
      },
    }),
    defineRoute({
      ...ids,
      method: 'get',
      path: one,
      operationId: `get${title}`,
      summary: `One ${name}`,
      access: 'inventory.read',
      answers: { '200': { description: `The ${name}.`, content } },
      async handle({ id }) {
        return { status: 200, body: await read(id) }
      },
    }),
    defineRoute({
      ...ids,
      method: 'put',
      path: one,
      operationId: `put${title}`,
      summary: `Create or replace a ${name}; absent optional fields return to their defaults`,
      access: 'inventory.write',
      header: onlyNewHeader,
      body,
      answers: {
        '200': { description: 'It is replaced.', content },
        '201': { description: 'It is created.', content },
      },
      async handle({ id, body: wanted, onlyNew, caller }) {
        if (onlyNew && (await records.get(id)) !== undefined) {
          throw new ApiError('conflict', `There is a ${name} with this id already.`, {
            status: 412,
          })
        }
        const outcome = await put(id, wanted, caller)
        return { status: outcome === 'created' ? 201 : 200, body: await read(id) }
      },
    }),
    defineRoute({
      ...ids,
      method: 'delete',
      path: one,
      operationId: `delete${title}`,
      summary: `Delete a ${name}`,
      access: 'inventory.write',
      answers: { '204': { description: 'It is deleted.' } },
      async handle({ id, caller }) {
        const outcome = await records.delete(id, caller)
        if (outcome === 'not-found') throw notFound(name, id)
        if (outcome === 'in-use') throw new ApiError('conflict', inUse)
        return { status: 204 }
      },
    }),
  ]
}
