import { sql } from 'kysely'

/** What a row of `hosts` is called in tokens: its name in the form that it is to be identified by, else its address. */
export const identifiedAs = sql<string>`coalesce(case hosts.identify when 'fqdn' then hosts.name_fqdn
  when 'name' then hosts.name_name when 'ipv4' then hosts.name_ipv4 else hosts.name_ipv6 end, hosts.address)`
