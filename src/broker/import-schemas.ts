import { z } from 'zod'
import { hostBody, id, NLA_OF_RDP, tenantBody, vmBody } from './schemas.ts'

/** Shapes of an import: rows of the inventory, all in one request. */

/** Of each sort. Twenty thousand rows in all keep everybody else from the store for less than half a second. */
export const MAX_IMPORT_ROWS = 10_000
/** Rows of a machine are 200 to 400 characters. */
export const MAX_IMPORT_BYTES = 8 * 1024 * 1024

const tenantRow = z.strictObject({ id, ...tenantBody.shape }).meta({ id: 'TenantRow' })

const hostRow = z
  .strictObject({
    id,
    ...hostBody.shape,
    console: hostBody.shape.console.partial().optional().meta({
      description: 'Left out: off for a new host, and as it is for a known one.',
    }),
  })
  .refine(({ kind, console }) => kind === 'hyperv' || console?.mode === undefined, {
    path: ['console', 'mode'],
    message: 'only hosts of kind hyperv have one',
  })
  .refine(...NLA_OF_RDP)
  .meta({ id: 'HostRow' })

const vmRow = z.strictObject({ id, ...vmBody.shape }).meta({ id: 'VmRow' })

export const importBody = z
  .strictObject({
    dryRun: z
      .boolean()
      .optional()
      .meta({ description: 'Say what would change, and change nothing.' }),
    tenants: rowsOf(tenantRow),
    hosts: rowsOf(hostRow),
    vms: rowsOf(vmRow),
  })
  .meta({ id: 'ImportBody' })

const fieldValue = z.union([z.string(), z.number(), z.boolean()])

export const importShape = z
  .object({
    dryRun: z.boolean(),
    created: z.int(),
    changed: z.int(),
    unchanged: z.int(),
    items: z
      .array(
        z.object({
          type: z.enum(['tenant', 'host', 'vm']),
          id,
          outcome: z.enum(['created', 'changed']),
          changes: z.array(
            z.object({
              field: z.string().meta({ examples: ['console.allow'] }),
              from: fieldValue.optional(),
              to: fieldValue.optional(),
            }),
          ),
        }),
      )
      .meta({
        description: 'What is new or different; rows that change nothing are counted only.',
      }),
  })
  .meta({ id: 'Import' })

export type ImportBody = z.output<typeof importBody>
export type ImportAnswer = z.output<typeof importShape>

/** Counted before the rows are looked at: each wrong one costs more memory than its bytes. */
function rowsOf<Row extends z.ZodType>(row: Row) {
  return z
    .preprocess((value, context) => {
      if (!Array.isArray(value) || value.length <= MAX_IMPORT_ROWS) return value
      const message = `need ${MAX_IMPORT_ROWS} rows or fewer, have ${value.length}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }, z.array(row))
    .optional()
}
