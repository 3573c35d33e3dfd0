import type { Command } from 'commander'
import { createDemoHost } from '../demo/index.ts'
import { createLog, systemClock } from '../lib/index.ts'
import { readText } from './files.ts'
import { closeOnSignal } from './shutdown.ts'

interface Options {
  listen: string
  certificate: string
  privateKey: string
  proxied?: string
}

/** Hidden: `demo` starts it. It tells its parent the ports it got, one for each machine, in their order. */
export function register(program: Command): void {
  program
    .command('demo-host', { hidden: true })
    .description('a small RDP server that shows a test card for each machine')
    .argument('<name...>', 'machine names')
    .requiredOption('--certificate <file>', 'TLS certificate (PEM)')
    .requiredOption('--private-key <file>', 'its private key (PEM)')
    .option(
      '--proxied <name>',
      'the machine behind a host agent, which puts a PROXY header in front',
    )
    .option('--listen <address>', 'address to listen on', '127.0.0.1')
    .action(runDemoHost)
}

async function runDemoHost(names: string[], options: Options): Promise<void> {
  const tls = {
    certificatePem: readText(options.certificate, '--certificate'),
    privateKeyPem: readText(options.privateKey, '--private-key'),
  }
  const log = createLog({ fields: { role: 'demo-host' } })
  const hosts = names.map((name) =>
    createDemoHost({
      name,
      proxied: name === options.proxied,
      tls,
      clock: systemClock,
      log: log.child({ vm: name }),
      address: options.listen,
      port: 0,
    }),
  )
  closeOnSignal(async () => {
    await Promise.all(hosts.map((host) => host.close()))
  })
  const listening = await Promise.all(hosts.map((host) => host.listen()))
  process.send?.({ ports: listening.map(({ port }) => port) })
}
