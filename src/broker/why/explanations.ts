import type { ProblemCode } from '../errors.ts'

/** What a reason means to the person who is asked about it. */
export interface Explanation {
  /** What happened: one sentence. */
  says: string
  /** What is behind it most of the time. */
  cause: string
  /** What to do about it. */
  fix: string
}

const ASK_AGAIN = 'Get a new file: press Console again, or `portcullis console open`.'
const NOTHING = 'Nothing, unless the user did not mean to.'

/** The one table from reason to cause and fix; the compiler sees to it that none is missing. */
export const EXPLANATIONS: Readonly<Record<ProblemCode, Explanation>> = {
  'token-malformed': {
    says: 'What the client presented is not a token of ours, or it brought none.',
    cause:
      'The file was cut or changed on its way, or the client was pointed at the gateway without one.',
    fix: `${ASK_AGAIN} Open the file as it is; \`portcullis rdp lint FILE\` names what is wrong with the old one.`,
  },
  'token-expired': {
    says: 'The token had expired when it was presented for the first time.',
    cause:
      'The file was opened too late: it may be opened for a minute, two from the portal, unless policy or the request says otherwise.',
    fix: `${ASK_AGAIN} If users need longer, raise \`ttlSeconds\` by \`portcullis policy set\`; if fresh files fail, compare the clocks in \`portcullis node list\`.`,
  },
  'token-not-yet-valid': {
    says: 'By the clock of the node the token was not valid yet.',
    cause: "The node's clock is behind the broker's by more than the leeway.",
    fix: 'Set the clock of the node by NTP; `portcullis node list` shows how far each is off.',
  },
  'issuer-unknown': {
    says: 'The token was signed by an issuer that the node does not trust.',
    cause:
      'It comes from another installation, or the issuer was taken out of the trust set; a node with a `trust` list of its own may lack the new one.',
    fix: "Compare `portcullis issuer list` with the thumbprint in the node's log; `portcullis issuer trust` adds one.",
  },
  'issuer-outside-window': {
    says: 'The issuer of the token is known, but not trusted at this time.',
    cause:
      'It was retired by a rotation and its time is over, or its certificate has ended or has not begun.',
    fix: 'Look at its dates in `portcullis issuer list`; rotate to a new one by `portcullis issuer rotate`.',
  },
  'algorithm-refused': {
    says: 'The token is signed with an algorithm that is not accepted for its issuer.',
    cause: 'It was changed, or made by something else than this broker.',
    fix: `${ASK_AGAIN} If that fails as well, look at the old one with \`portcullis token inspect\`.`,
  },
  'signature-invalid': {
    says: 'The signature of the token does not fit its content.',
    cause: 'Somebody or something has changed the token, a mail filter or an editor for example.',
    fix: `${ASK_AGAIN} If it comes again, ask who handles the file on its way.`,
  },
  'audience-mismatch': {
    says: 'The token is for another farm.',
    cause:
      'Broker and node have different values of `farm.name`, or the file was opened against another farm.',
    fix: 'Compare `farm.name` in the configurations of broker and node.',
  },
  'client-mismatch': {
    says: 'The token belongs to another client address than the one that presented it.',
    cause:
      'The file was given to somebody else, or the client changed its network or its way out between two connections.',
    fix: `${ASK_AGAIN} Where clients share changing addresses, set \`clientBinding=prefix\` or \`none\` by \`portcullis policy set\`.`,
  },
  'token-replayed': {
    says: 'The token was used up: it opens one console session of one client.',
    cause: 'The same file was opened again, later or oftener than a reconnecting client does.',
    fix: `${ASK_AGAIN} To let clients come back after a drop, set \`reconnectWindowSeconds\` by \`portcullis policy set\`.`,
  },
  'token-revoked': {
    says: 'Somebody has revoked the token.',
    cause: 'It was revoked by itself, or all tokens of its machine, tenant, user or issuer were.',
    fix: '`GET /v1/revocations` says which, why, and who asked; tokens that are minted later work.',
  },
  'trust-stale': {
    says: 'The node admits nobody, since no broker has confirmed its trust for too long.',
    cause:
      'The node cannot reach its broker: network, firewall, or the control certificate of either has ended.',
    fix: "Look for `control.unreachable` in the node's log; `portcullis node show NODE` says when it was last seen.",
  },
  'broker-unreachable': {
    says: 'The node could not ask a broker, and is configured to admit nobody then.',
    cause:
      'The broker is down or does not answer within a second, and the node has `redeem.whenBrokerAway: refuse`.',
    fix: "Bring the broker back; look for `control.unreachable` in the node's log.",
  },
  'target-mismatch': {
    says: 'The client asked for another machine than the token names, or the machine is not there any more.',
    cause:
      'The address in the file was changed, one address was typed while the file of another was open, or the machine or its host has moved since the file was made; the line in the timeline says which.',
    fix: `${ASK_AGAIN} Open it without changing anything.`,
  },
  'target-not-allowed': {
    says: 'The node may not connect to the address or port of this machine.',
    cause:
      "It is not in the node's `targets.allow`, or it is loopback, link-local, or an address of node or broker.",
    fix: "Add its network and port to `targets.allow` in the node's configuration, if it is one of yours.",
  },
  'vm-mismatch': {
    says: 'The client asked the host for another machine than the one of the token.',
    cause:
      'The preconnection blob in the file was changed, or it is not in the form that goes with the kind of the host.',
    fix: `${ASK_AGAIN} If fresh files fail, compare \`kind\` and \`console.mode\` of the host, and \`guid\` of the machine, with what they are.`,
  },
  'vm-unknown': {
    says: "There is no such machine, or it is another tenant's.",
    cause:
      'The id is wrong, the request named the wrong tenant, or the machine was deleted or given to another tenant, perhaps since the file was made.',
    fix: '`portcullis vm list` shows the machines with their tenants.',
  },
  'host-not-opted-in': {
    says: 'Consoles are switched off for the host of this machine.',
    cause: 'Nobody has opted the host in, or somebody has switched it off since the file was made.',
    fix: '`portcullis host enable HOST`.',
  },
  'host-unreachable': {
    says: 'The node could not connect to the host.',
    cause:
      'The machine is off, its name does not resolve on the node, or a firewall is between them.',
    fix: 'See that the machine runs; `portcullis host probe HOST` says what the nodes find at its address.',
  },
  'host-not-rdp': {
    says: 'Something answered at the address of the host, but it does not speak RDP.',
    cause:
      'The port is that of another service, or the RDP server of the machine has not started yet.',
    fix: 'Start its RDP server, or correct the port; `portcullis host probe HOST` says what answers there.',
  },
  'host-tls-mismatch': {
    says: 'The host showed another certificate than it should.',
    cause: 'Its certificate was replaced, or somebody else answers at its address.',
    fix: 'Find out which; if it was replaced, set the new thumbprint as `pin` of the host, or give the agent a certificate of the farm.',
  },
  'host-refused': {
    says: 'The host answered no, in the words of RDP.',
    cause:
      'It insists on another security than the client offered, mostly on network level authentication; or it is a host agent that has refused the token.',
    fix: "The timeline has the failure code: after 5 or 6 sign in with the machine's own account, or allow TLS without network level authentication there. Of an agent, look for `host.refused` with this `jti` in its log.",
  },
  'limit-reached': {
    says: 'There is as much of something as a limit allows.',
    cause:
      'The machine has all the sessions that policy allows, or the node has all the tunnels that it takes, in all or of one address.',
    fix: 'End a session (`portcullis session list`, `session kill ID`), raise `maxSessions` by policy or `limits` of the node, or add a node.',
  },
  'node-draining': {
    says: 'The node is being taken out of service and takes no new sessions.',
    cause: 'The balancer has not noticed yet, or the client was pointed at this node by name.',
    fix: 'Try again in a few seconds; `portcullis node list` shows the state, `node drain NODE --cancel` ends it.',
  },
  'policy-denied': {
    says: 'Policy does not allow what was asked for.',
    cause:
      'A layer of policy, or the kind of the host, rules it out; the line in the timeline names the setting, or the layer that cannot be read.',
    fix: '`portcullis policy get --effective VM` shows each value and the layer that it comes from; `policy set --file` replaces one that cannot be read.',
  },
  'origin-refused': {
    says: 'The request came from a page of another site.',
    cause:
      'The portal was opened under another name than it is configured for, or another site tried to use its session.',
    fix: "Open the portal under its own name; behind a proxy, see that it passes the client's `Host` on.",
  },
  'protocol-error': {
    says: 'What came was not what the protocol allows at this point.',
    cause:
      'A client, a proxy or a scanner that does not speak it, or the wrong method or path of the API.',
    fix: 'Try with FreeRDP or `portcullis probe FILE`; if only one client fails, report it with the log of the node at `debug`.',
  },
  'set-up-timeout': {
    says: 'The client, or the host behind, did not get on with the set-up in time.',
    cause: 'A dialog of the client waited too long for its user, or the network loses packets.',
    fix: 'Try again; if it stays, `portcullis probe FILE` shows which step hangs.',
  },
  'slow-peer': {
    says: 'Client or host did not take the data that waited for it.',
    cause: 'Its network is too slow or was cut without a word, or its program hangs.',
    fix: 'Look at the network of the side that the line in the timeline names.',
  },
  'idle-limit': {
    says: 'The session had no input for as long as policy allows.',
    cause: '`idleLimitMinutes` of policy, or of the token.',
    fix: `${ASK_AGAIN} To allow longer pauses, raise \`idleLimitMinutes\` by \`portcullis policy set\`.`,
  },
  'session-limit': {
    says: 'The session lasted as long as policy allows.',
    cause: '`sessionLimitSeconds` of policy, or of the token.',
    fix: `${ASK_AGAIN} To allow longer ones, raise \`sessionLimitSeconds\` by \`portcullis policy set\`.`,
  },
  killed: {
    says: 'Somebody has ended the session; its token is worthless since then.',
    cause: 'An operator did; the timeline, and `portcullis audit list`, name who asked.',
    fix: ASK_AGAIN,
  },
  superseded: {
    says: 'Another session took the place of this one.',
    cause:
      'A newer console of the machine was opened, which ends the time in which this one might come back; or two clients were let in with one token while no broker answered, and the younger session ended.',
    fix: `${ASK_AGAIN} After a \`redeem.conflict\`, find out who else has the file.`,
  },
  drained: {
    says: 'The node went out of service, and the time of its sessions was over.',
    cause: 'Somebody drains the node for maintenance.',
    fix: 'Open the console again: another node takes it. The same file works while its token lasts.',
  },
  'node-stopped': {
    says: 'The node was stopped.',
    cause: 'It was restarted or shut down without a drain.',
    fix: 'Open the console again; next time `portcullis node drain NODE` first.',
  },
  'node-lost': {
    says: 'The node has not been heard of any more.',
    cause:
      'It has crashed, lost its network, or cannot reach the broker; the session may go on there.',
    fix: '`portcullis node show NODE`; look at its machine and its log.',
  },
  'client-closed': {
    says: 'The client closed the connection.',
    cause: 'The user closed the window, the client gave up on a dialog, or its network was cut.',
    fix: NOTHING,
  },
  'host-closed': {
    says: 'The host closed the connection.',
    cause:
      'The user signed out there, somebody else took the console over, or the machine went down.',
    fix: `${NOTHING} If it closes at once, look at the log of its RDP server.`,
  },
  'internal-error': {
    says: 'Something went wrong inside of Portcullis.',
    cause: 'A mistake of ours; the log has it at level `error`.',
    fix: 'Report it with the lines of the log that carry this reference.',
  },
  'validation-failed': {
    says: 'A field of the request was wrong, missing or unknown.',
    cause:
      'The caller and this version of the API do not agree; `errors` in the answer names the field.',
    fix: 'Compare the request with `GET /v1/openapi.json`.',
  },
  unauthorized: {
    says: 'Nobody we know: no valid API key, or a wrong user or password.',
    cause:
      'The key was mistyped or revoked, or the user is unknown, disabled or has another password.',
    fix: 'Check the key file of the caller; a user gets a new password by `portcullis user passwd USER`.',
  },
  forbidden: {
    says: 'The caller is known but may not do this.',
    cause: 'Its roles do not include it.',
    fix: 'Use a key that has the role, or give it to the user: `portcullis user roles USER ROLE…`. A tenant’s user can have none.',
  },
  'not-found': {
    says: 'There is nothing at this address, or it is not for the caller to see.',
    cause: 'The id is wrong, or what it named has been deleted.',
    fix: 'List what there is, then ask again.',
  },
  conflict: {
    says: 'The present state does not allow this.',
    cause: 'Something else still depends on the record, or was there first.',
    fix: 'The detail in the timeline names it: remove that first.',
  },
  'rate-limited': {
    says: 'There were too many attempts.',
    cause:
      'Wrong keys or passwords, one after the other; or more consoles in a minute, or more unused files, than one user or tenant may have.',
    fix: 'Wait for as long as `Retry-After` says; find out what keeps trying. `minting` in the configuration of the broker says how many consoles are allowed.',
  },
  unavailable: {
    says: 'The broker could not answer.',
    cause:
      'Its store or its signer failed: a full disk, a locked database, a publisher certificate that has ended.',
    fix: "Look for `request.failed` with this reference in the broker's log.",
  },
}

/** For a client that left while it had the consent text before it. */
export const NOT_AGREED: Explanation = {
  says: 'The client was shown the consent text and left: its user did not agree, or closed the window.',
  cause: 'The user did not want to. FreeRDP without a standard input answers no by itself.',
  fix: 'Nothing, unless the user meant to agree; `portcullis policy get --effective VM` shows the text.',
}

/** For a file that nobody has presented within its time. */
export const NEVER_PRESENTED: Explanation = {
  says: 'No node has seen this file: it was never opened in time, or the client did not get as far as a node.',
  cause:
    'The user did not open it, or name, firewall or balancer keep the client from the gateway.',
  fix: `${ASK_AGAIN} If opening it changes nothing here, \`portcullis probe FILE\` from the client's network shows how far it gets.`,
}

/** @param code as a log line has it, perhaps of another version */
export function explain(code: string): Explanation | undefined {
  // Object.hasOwn is what the type cannot know of a text from outside.
  return Object.hasOwn(EXPLANATIONS, code) ? EXPLANATIONS[code as ProblemCode] : undefined
}
