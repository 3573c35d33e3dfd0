import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { ReadyFile } from '../../src/demo/index.ts'

export interface ApiAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** One call to a running broker, its certificate verified against the ready file's authority. */
export function callApi(
  { apiUrl, apiKey, caFile }: Pick<ReadyFile, 'apiUrl' | 'apiKey' | 'caFile'>,
  method: string,
  path: string,
  { json, headers = {} }: { json?: unknown; headers?: Record<string, string> } = {},
): Promise<ApiAnswer> {
  const url = new URL(path, apiUrl)
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        method,
        ca: readFileSync(caFile),
        agent: false,
        timeout: 30_000,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.once('error', reject)
        answer.once('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks),
          }),
        )
      },
    )
    asked.once('error', reject)
    asked.once('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer`)))
    asked.end(json === undefined ? undefined : JSON.stringify(json))
  })
}

/** The `.rdp` file for one machine, exactly as the API gives it. */
export async function fetchConsoleFile(
  ready: Pick<ReadyFile, 'apiUrl' | 'apiKey' | 'caFile'>,
  vm: string,
  options: { ttlSeconds?: number } = {},
): Promise<Buffer> {
  const { status, body } = await callApi(ready, 'POST', '/v1/consoles', {
    json: { vm, ...options },
    headers: { accept: 'application/x-rdp' },
  })
  if (status !== 201) throw new Error(`POST /v1/consoles: ${status} ${body.toString('utf8')}`)
  return body
}
