import type { Scenario } from '../scenario.ts'
import { agent } from './agent.ts'
import { algorithms } from './algorithms.ts'
import { altered } from './altered.ts'
import { brokerAway } from './broker-away.ts'
import { endings } from './endings.ts'
import { issuers } from './issuers.ts'
import { replay } from './replay.ts'
import { targets } from './targets.ts'
import { times } from './times.ts'

/** In the order of the report; each leaves the farm as it found it, but for the time and the issuer. */
export const SCENARIOS: readonly Scenario[] = [
  ...times,
  ...replay,
  ...endings,
  ...targets,
  ...agent,
  ...issuers,
  ...brokerAway,
  ...altered,
  ...algorithms,
]
