import { once } from 'node:events'
import { createServer } from 'node:https'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createDevelopmentCertificates } from '../../src/certs/index.ts'
import { callApi } from '../../src/cli/api-client.ts'
import { Secret } from '../../src/lib/index.ts'

test('a broker of an authority that is not trusted is refused with the option that names it', async () => {
  const { portalTls } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: [],
    now: new Date(),
  })
  const server = createServer({ cert: portalTls.certificatePem, key: portalTls.privateKeyPem })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const access = { url: new URL(`https://localhost:${port}`), key: new Secret('pck_x') }
  await expect(callApi(access, 'GET', '/v1/vms', { answer: z.unknown() })).rejects.toMatchObject({
    code: 'ERR_NO_ANSWER',
    message: expect.stringContaining("name the farm's ca.crt with --ca"),
  })
})
