import { z } from 'zod'

/** Lists by the page: `?limit=` and `?after=`, which is the `next` of the answer before. */

const MAX_LIMIT = 1_000
const MAX_CURSOR = 200

/** Parameters of every list; without them it is all there is. */
export const pageFields = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .meta({ description: `At most so many, up to ${MAX_LIMIT}; all when absent.` }),
  after: z
    .string()
    .min(1)
    .max(MAX_CURSOR)
    .optional()
    .meta({ description: '`next` of the answer before.' }),
}

export const pageQuery = z.strictObject(pageFields)

export interface PageQuery {
  limit?: number | undefined
  after?: string | undefined
}

export interface Page<Item> {
  items: Item[]
  /** Absent on the last page. */
  next?: string
}

/** A page of what the store reads by the page, in the order of ids: one more than asked for says that there are more. */
export async function readPage<Item extends { id: string }>(
  { limit, after }: PageQuery,
  read: (page: { limit?: number; after?: string }) => Promise<Item[]>,
): Promise<Page<Item>> {
  const items = await read({
    ...(limit === undefined ? {} : { limit: limit + 1 }),
    ...(after === undefined ? {} : { after }),
  })
  return cut(items, limit, ({ id }) => id)
}

/**
 * A page of a list that is read whole.
 *
 * @param cursorOf a text for each item; the list is in the order of these texts, and no two are the same
 */
export function pageOf<Item>(
  all: Item[],
  { limit, after }: PageQuery,
  cursorOf: (item: Item) => string,
): Page<Item> {
  const items = after === undefined ? all : all.filter((item) => cursorOf(item) > after)
  return cut(items, limit, cursorOf)
}

/** For lists in the order of times, and of ids where these are the same. */
export function timeCursor(timeMs: number, id: string): string {
  return `${String(timeMs).padStart(MAX_SAFE_DIGITS, '0')}.${id}`
}

const MAX_SAFE_DIGITS = String(Number.MAX_SAFE_INTEGER).length

function cut<Item>(
  items: Item[],
  limit: number | undefined,
  cursorOf: (item: Item) => string,
): Page<Item> {
  if (limit === undefined || items.length <= limit) return { items }
  const page = items.slice(0, limit)
  const last = page.at(-1)
  return { items: page, ...(last === undefined ? {} : { next: cursorOf(last) }) }
}
