import type { Store, User } from '../../store/index.ts'
import type { Route } from '../route.ts'
import { userBody, userId, userShape } from '../user-schemas.ts'
import type { Users } from '../users.ts'
import { resourceRoutes } from './resource.ts'

/** Who may sign in at the portal. No answer ever has a password or its hash. */
export function userRoutes(users: Users, store: Store): Route[] {
  return resourceRoutes({
    name: 'user',
    id: userId,
    body: userBody,
    shape: userShape,
    records: {
      get: (id) => store.users.get(id),
      list: (page) => store.users.list(page),
      delete: (id, caller) => users.delete(id, caller),
    },
    put: (id, body, caller) => users.put(id, body, caller),
    render: (records) => records.map(render),
    inUse: 'The user is still in use.',
  })
}

function render({ passwordHash: _, ...user }: User) {
  return user
}
