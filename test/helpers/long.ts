/**
 * Whether this is `npm run test:long`: more runs, larger numbers, hours where the short form takes minutes. The
 * variable has no `PORTCULLIS_` in front, since every role refuses a variable of that prefix that it doesn't know.
 */
export const LONG = process.env.TEST_LONG !== undefined
