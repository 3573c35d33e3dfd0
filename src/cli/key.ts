import type { Command } from 'commander'
import { createFirstApiKey } from '../broker/index.ts'
import { loadBrokerConfig } from '../config/index.ts'
import { BrokerError, type Secret, systemClock } from '../lib/index.ts'
import { openSqliteStore } from '../store/index.ts'
import { print, say } from './output.ts'
import { writePrivately } from './private-file.ts'

interface Options {
  config: string
  id: string
  out?: string
}

export function register(program: Command): void {
  const key = program.command('key').description('keys for the API')
  key
    .command('create')
    .description("makes the very first key, on the broker's machine, while there is none")
    .requiredOption('--bootstrap', 'the first key: this command works without one')
    .requiredOption('--config <file>', "the broker's YAML file, which names the store")
    .option('--id <name>', 'how logs name it: 1 to 32 lower-case letters and digits', 'admin')
    .option('--out <file>', 'write it here, readable for you alone (default: standard output)')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis key create --bootstrap --config /etc/portcullis/broker.yaml --out admin.key',
    )
    .action(createKey)
}

async function createKey({ config, id, out }: Options): Promise<void> {
  const store = await openSqliteStore(loadBrokerConfig(config).store)
  let key: Secret | undefined
  try {
    key = await createFirstApiKey(store, id, systemClock)
  } finally {
    await store.close()
  }
  if (key === undefined) {
    throw new BrokerError('ERR_REFUSED', 'there is a key already: only the first is made this way')
  }
  if (out === undefined) {
    print(key.reveal())
  } else {
    writePrivately(out, Buffer.from(`${key.reveal()}\n`), '--out')
    print(out)
  }
  say('This key may do everything and is shown only now: keep it in a file for --key-file.')
}
