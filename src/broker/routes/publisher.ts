import type { Publisher } from '../../rdpfile/index.ts'
import { ApiError } from '../errors.ts'
import { defineRoute, type Route } from '../route.ts'
import { publisherShape } from '../schemas.ts'

/** Who signs the files: what an operator needs to have clients trust it. */
export function publisherRoutes(publisher: Publisher | undefined): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/publisher',
      operationId: 'getPublisher',
      summary: 'Certificate that signs the .rdp files; 404 when they are not signed',
      access: 'trust.read',
      answers: {
        '200': {
          description: 'The publisher.',
          content: { 'application/json': { schema: publisherShape } },
        },
      },
      handle() {
        if (publisher === undefined) {
          throw new ApiError('not-found', 'This broker does not sign its files.')
        }
        return { status: 200, body: render(publisher) }
      },
    }),
  ]
}

function render({ certificate }: Publisher) {
  const { sha1Thumbprint, sha256Thumbprint, subject, issuer, notBefore, notAfter, pem } =
    certificate
  return {
    sha1Thumbprint,
    sha256Thumbprint,
    subject,
    issuer,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    certificatePem: pem,
  }
}
