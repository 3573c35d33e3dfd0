import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadFarmConfig } from '../../src/config/index.ts'
import { renderHaproxy, renderKeepalived } from '../../src/farm/index.ts'

const deploy = (name: string): string => join(import.meta.dirname, '../../deploy', name)

test('the examples in deploy/ are what farm render writes today', () => {
  const model = loadFarmConfig(deploy('farm.yaml'))
  expect(renderHaproxy(model)).toBe(readFileSync(deploy('haproxy.cfg'), 'utf8'))
  expect(renderKeepalived(model)).toBe(readFileSync(deploy('keepalived.conf'), 'utf8'))
})
