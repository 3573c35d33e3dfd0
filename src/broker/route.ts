import { z } from 'zod'
import type { ZodOpenApiOperationObject, ZodOpenApiResponsesObject } from 'zod-openapi'
import { faultWords } from '../lib/index.ts'
import { notFound } from './errors.ts'
import { type Caller, type Right, rolesWith } from './rights.ts'
import { id as idSchema, problemShape } from './schemas.ts'
import { invalid, validate } from './validate.ts'

const NO_QUERY = z.object({})
const NOBODY: Caller = { name: 'nobody', roles: [], tenants: [] }

/** A request without its transport, so that a route can be read and tested without koa. */
export interface RawRequest {
  /** The `{id}` of the path. */
  id: string | undefined
  /** Parameters of the query string; one that is there twice is an array. */
  query: unknown
  body: unknown
  /** Absent on public routes. */
  caller: Caller | undefined
  /** Whether the same request would still be let in; absent on public routes. */
  isWelcome: (() => Promise<boolean>) | undefined
  /** `If-None-Match: *`, RFC 9110: only where there is nothing yet. */
  onlyNew: boolean
  /** `Idempotency-Key`: the same request again, if it has been here before. */
  idempotencyKey: string | undefined
  /** `Last-Event-ID` of a stream that goes on. */
  lastEventId: string | undefined
  remoteAddress: string
  /** The one of these media types that the client likes best; the first when it does not care. */
  prefer(...types: [string, ...string[]]): string | undefined
  /** Is told what the body says, once that is valid; secrets in it don't print. */
  accepted?: (body: unknown) => void
}

export interface RouteRequest<Body, Query> {
  /** Valid; empty on routes without one. */
  id: string
  query: Query
  body: Body
  /** On public routes nobody, who may nothing. */
  caller: Caller
  /** Whether the same request would still be let in, for an answer that goes on. */
  isWelcome: () => Promise<boolean>
  onlyNew: boolean
  idempotencyKey: string | undefined
  lastEventId: string | undefined
  remoteAddress: string
  prefer(...types: [string, ...string[]]): string | undefined
}

export interface Answer {
  status: number
  /** Bytes and streams go out as they are, other values as JSON; absent with 204. */
  body?: unknown
  headers?: Record<string, string>
  /** Called once all of it has left for the client, which a broken connection keeps from happening. */
  sent?: () => void
}

export type Method = 'get' | 'put' | 'post' | 'delete'

export interface RouteDefinition<Schema extends z.ZodType, Query extends z.ZodObject> {
  method: Method
  /** As OpenAPI writes it: `/v1/hosts/{id}`. */
  path: string
  operationId: string
  summary: string
  /** What a caller needs; `public`: no key at all. */
  access: Right | 'public'
  /** What the `{id}` of the path may be, where it is not the usual. */
  id?: z.ZodType<string>
  /** Without one, whatever the query says is ignored. */
  query?: Query
  body?: Schema
  /** Largest body, in bytes; 16 KiB when absent. */
  maxBodyBytes?: number
  recordsItself?: boolean
  /** Header fields that the route looks at. */
  header?: z.ZodObject
  /** Successful answers; each route also has the problem answer. */
  answers: ZodOpenApiResponsesObject
  handle(request: RouteRequest<z.output<Schema>, z.output<Query>>): Answer | Promise<Answer>
}

/** The largest body of most routes is a few hundred characters. */
const MAX_BODY_BYTES = 16 * 1024

/** A route whose body type is closed in: what the app mounts and the OpenAPI document lists. */
export interface Route {
  method: Method
  path: string
  access: Right | 'public'
  takesBody: boolean
  maxBodyBytes: number
  /** What it does leaves a record by itself; what it refuses does not. */
  recordsItself: boolean
  operation: ZodOpenApiOperationObject
  respond(request: RawRequest): Promise<Answer>
}

export function defineRoute<
  Schema extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodObject = typeof NO_QUERY,
>(definition: RouteDefinition<Schema, Query>): Route {
  const { method, path, access, query: querySchema, body: schema, handle } = definition
  const { id: pathId = idSchema, maxBodyBytes = MAX_BODY_BYTES } = definition
  const hasId = path.includes('{id}')
  return {
    method,
    path,
    access,
    takesBody: schema !== undefined,
    maxBodyBytes,
    recordsItself: definition.recordsItself === true,
    operation: toOperation(definition, hasId ? pathId : undefined),
    async respond({ id, query, body, caller, isWelcome, accepted, ...rest }) {
      const request = {
        id: hasId ? checkId(method, pathId, id) : '',
        // Without a schema Query is that of the empty object, and Schema ZodUndefined.
        query: (querySchema === undefined ? {} : validate(querySchema, query)) as z.output<Query>,
        body: (schema && validate(schema, body)) as z.output<Schema>,
        caller: caller ?? NOBODY,
        isWelcome: isWelcome ?? (async () => true),
        ...rest,
      }
      accepted?.(request.body)
      return handle(request)
    },
  }
}

/** An id that cannot be is wrong where one is made, and unknown everywhere else. */
function checkId(method: Method, schema: z.ZodType<string>, id: string | undefined): string {
  const result = schema.safeParse(id, { error: faultWords })
  if (result.success) return result.data
  if (method !== 'put') throw notFound('record with the id', id ?? '')
  throw invalid([{ field: 'id', message: result.error.issues[0]?.message ?? 'is not valid' }])
}

function toOperation<Schema extends z.ZodType, Query extends z.ZodObject>(
  { operationId, summary, access, query, body, header, answers }: RouteDefinition<Schema, Query>,
  id: z.ZodType<string> | undefined,
): ZodOpenApiOperationObject {
  const description = "Chosen by who creates it, for example the panel's own id."

  return {
    operationId,
    summary,
    ...(access === 'public'
      ? { security: [] }
      : {
          description: `Roles: ${rolesWith(access).join(', ')}.`,
          security: [{ bearer: [] }, { cookie: [] }],
        }),
    requestParams: {
      ...(id === undefined
        ? {}
        : { path: z.object({ id: id.meta({ description, ...id.meta() }) }) }),
      ...(query === undefined ? {} : { query }),
      ...(header === undefined ? {} : { header }),
    },
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      ...answers,
      default: {
        description: 'Any failure; a browser gets an HTML page instead.',
        content: { 'application/problem+json': { schema: problemShape } },
      },
    },
  }
}
