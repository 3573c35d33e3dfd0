import type { ProbedHost } from '../../control/index.ts'
import type { Target, TargetPolicy } from '../targets.ts'
import { openSocket } from './exchange.ts'
import { type Manners, speak } from './speak.ts'

/** Where RDP hosts are found, in order: the usual port, Hyper-V's and agents', those that VirtualBox and GNOME take next. */
const USUAL_PORTS = [3389, 2179, 3390, 3391, 3392, 5000, 5001]

/**
 * Which port close by answers as the host should. Only where the node may open consoles is asked, since it
 * says where they may be.
 *
 * @returns undefined when none does
 */
export async function findNeighbour(
  { address, port }: Target,
  host: Pick<ProbedHost, 'kind' | 'address' | 'guid'>,
  policy: Pick<TargetPolicy, 'admits'>,
  manners: Manners,
): Promise<number | undefined> {
  const ports = [...new Set([...USUAL_PORTS, port - 1, port + 1])].filter(
    (candidate) => candidate !== port && policy.admits(address, candidate),
  )
  const answers = await Promise.all(
    ports.map((candidate) => answersAsHost({ address, port: candidate }, host, manners)),
  )
  return ports.find((_, index) => answers[index])
}

async function answersAsHost(
  target: Target,
  host: Pick<ProbedHost, 'kind' | 'address' | 'guid'>,
  manners: Manners,
): Promise<boolean> {
  try {
    const socket = await openSocket(target, manners)
    try {
      return (await speak(socket, host, manners)).kind === 'answers'
    } finally {
      socket.destroy()
    }
  } catch {
    return false
  }
}
