// @peculiar/x509 reads decorator metadata while it loads, so the polyfill has to come first; this is
// the only file that may import either of them.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

export { x509 }
