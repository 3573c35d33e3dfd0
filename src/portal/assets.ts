import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type Router from '@koa/router'

export type AssetName = 'portal.css' | 'portal.js' | 'icon.svg'

/** The address of an asset as pages write it: with the content's hash, so that it may be cached for good. */
export type AssetUrl = (name: AssetName) => string

interface Asset {
  path: string
  content: Buffer
  version: string
}

/** Reads the static files once and serves them from memory under `/assets/`. */
export function serveAssets(router: Router): AssetUrl {
  const assets: Record<AssetName, Asset> = {
    'portal.css': loadAsset('portal.css'),
    'portal.js': loadAsset('portal.js'),
    'icon.svg': loadAsset('icon.svg'),
  }
  for (const asset of Object.values(assets)) addRoute(router, asset)
  return (name) => `${assets[name].path}?v=${assets[name].version}`
}

function loadAsset(name: AssetName): Asset {
  const content = readFileSync(join(import.meta.dirname, 'assets', name))
  const version = createHash('sha256').update(content).digest('hex').slice(0, 12)
  return { path: `/assets/${name}`, content, version }
}

function addRoute(router: Router, { path, content, version }: Asset): void {
  router.get(path, (ctx) => {
    const current = ctx.query.v === version
    ctx.set('Cache-Control', current ? 'public, max-age=31536000, immutable' : 'no-cache')
    ctx.type = extname(path)
    ctx.etag = version
    ctx.body = content
    if (ctx.fresh) ctx.status = 304
  })
}
