import { createDocument } from 'zod-openapi'
import { SESSION_COOKIE } from '../lib/index.ts'
import type { Route } from './route.ts'

/** The OpenAPI 3.1 document of the routes, from the schemas that validate their requests. */
export function renderOpenApi(routes: Route[]): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, Route['operation']>> = {}
  for (const { path, method, operation } of routes) {
    paths[path] = { ...paths[path], [method]: operation }
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Portcullis',
      version: '1',
      description: 'Console broker: who may open which machine, and the short-lived file to do it.',
    },
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'pck_<id>_<secret>' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: SESSION_COOKIE,
          description:
            "A session of the portal, for pages of the broker's own origin: all but GET and HEAD need its `Origin`. With a bearer key it is not looked at.",
        },
      },
    },
  })
}
