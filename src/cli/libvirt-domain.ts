import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import { BrokerError, faultWords } from '../lib/index.ts'

/** A machine as libvirt describes it: what the inventory wants to know of it. */
export interface Domain {
  name: string
  /** Lower case, with dashes. */
  uuid: string
  /** For people; most have none. */
  title?: string
  graphics: Graphics[]
}

export interface Graphics {
  /** `vnc`, `rdp`, `spice`, … */
  type: string
  /** Absent while none is given out. */
  port?: number
  /** Given out anew at each start of the machine. */
  autoport: boolean
  listen?: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const graphicsElement = z.object({
  '@type': z.string(),
  '@port': z.string().optional(),
  '@autoport': z.string().optional(),
  '@listen': z.string().optional(),
})

/** An element with nothing in it is read as an empty text. */
const devicesElement = z.union([
  z.literal('').transform(() => ({ graphics: [] })),
  z.object({ graphics: z.array(graphicsElement).default([]) }),
])

const domainElement = z.object({
  name: z.string().min(1),
  uuid: z.string().toLowerCase().regex(UUID, 'need a UUID'),
  title: z.string().optional(),
  devices: devicesElement.default({ graphics: [] }),
})

const document = z.object({ all: z.object({ domain: z.array(domainElement).min(1) }) })

/**
 * The machines in libvirt's XML: one `<domain>`, or several after each other as `virsh dumpxml` of several writes them.
 *
 * @throws BrokerError `ERR_USAGE` for what is no XML, declares entities or describes no machine
 */
export function parseDomains(xml: string): Domain[] {
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw unusable('declarations of types are not read')
  const whole = `<all>${xml.replaceAll(/<\?xml[^<>]*\?>/g, '')}</all>`
  const valid = XMLValidator.validate(whole)
  if (valid !== true) throw unusable(`is no XML, line ${valid.err.line}: ${valid.err.code}`)
  const parsed = document.safeParse(parse(whole), { error: faultWords })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = issue?.path.slice(1).join('.') ?? ''
    throw unusable(`${place}: ${issue?.message}, in the description of a machine`)
  }
  return parsed.data.all.domain.map(({ name, uuid, title = '', devices }) => ({
    name: decodeText(name),
    uuid,
    ...(title === '' ? {} : { title: decodeText(title) }),
    graphics: devices.graphics.map(toGraphics),
  }))
}

function parse(xml: string): unknown {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    // A machine's name may be all digits.
    parseTagValue: false,
    processEntities: false,
    ignorePiTags: true,
    isArray: (name) => name === 'domain' || name === 'graphics',
  })
  try {
    return parser.parse(xml)
  } catch (error) {
    throw unusable('cannot be read', error)
  }
}

function toGraphics(element: z.output<typeof graphicsElement>): Graphics {
  const { '@type': type, '@port': text = '', '@autoport': autoport, '@listen': listen } = element
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return {
    type,
    ...(port >= 1 && port <= 65_535 ? { port } : {}),
    autoport: autoport === 'yes',
    ...(listen === undefined ? {} : { listen }),
  }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The five that XML itself has; nobody can declare others. */
function decodeText(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (whole, name) => ENTITIES[name] ?? whole)
}

function unusable(message: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_USAGE', message, { cause })
}
