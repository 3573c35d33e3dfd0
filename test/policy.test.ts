/** The room's tests, until `policy` stands among the rooms of `vitest.config.ts`. */
import './policy/effective.test.ts'
import './policy/layer.test.ts'
import './policy/redirection-flags.test.ts'
import './policy/values.test.ts'
