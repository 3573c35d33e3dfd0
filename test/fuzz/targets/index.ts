import type { FuzzTarget } from '../target.ts'
import { FILE_TARGETS } from './files.ts'
import { FIRST_BYTES_TARGETS } from './first-bytes.ts'
import { MESSAGE_TARGETS } from './messages.ts'
import { RDP_HOST_TARGETS } from './rdp-host.ts'
import { TOKEN_TARGETS } from './tokens.ts'
import { TRANSPORT_TARGETS } from './transport.ts'
import { TSGU_TARGETS } from './tsgu.ts'

/** Every decoder of bytes or text that comes from outside; `decoders.test.ts` finds those that are missing. */
export const TARGETS: readonly FuzzTarget[] = [
  ...TRANSPORT_TARGETS,
  ...TSGU_TARGETS,
  ...FIRST_BYTES_TARGETS,
  ...TOKEN_TARGETS,
  ...MESSAGE_TARGETS,
  ...FILE_TARGETS,
  ...RDP_HOST_TARGETS,
]
