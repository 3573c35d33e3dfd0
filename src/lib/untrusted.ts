/** Codes of OpenSSL for a chain that ends in no authority that is trusted. */
const CODES = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]

/**
 * Whether an error, or what is behind it, is that the peer's certificate is of no trusted authority. Node's own
 * words advise an option of Node.
 */
export function isUntrusted(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const saysSo = 'code' in error && CODES.some((code) => code === error.code)
  return saysSo || isUntrusted(error.cause)
}
