/** The page on which Trireme stands beside others. */
import { comparisonTable, failoverTable, type ComparedFigure, type FailoverSample } from './peers.js';
import { toMarkdown } from './text.js';

export interface PeersPage {
  readonly machine: string;
  readonly command: string;
  readonly etcd: string;
  readonly tool: string;
  readonly pairs: number;
  readonly seconds: number;
  /** Of each system, before the first pair at a number of connections. */
  readonly startSeconds: number;
  /** Bytes of an order, and of etcd's value. */
  readonly orderBytes: number;
  /** Orders and keys that reads choose from. */
  readonly records: number;
  /** Writes a second while a leader is killed. */
  readonly failoverPerSecond: number;
  readonly compared: readonly ComparedFigure[];
  readonly failovers: readonly FailoverSample[];
  /** Names of the systems of the fail-overs. */
  readonly ours: string;
  readonly theirs: string;
  /** Requests that were refused or not answered in the closed loops. */
  readonly failed: number;
  readonly plot: string | null;
}

export function peersPage(page: PeersPage): string {
  const table = (what: string): string =>
    toMarkdown(comparisonTable(page.compared.filter((row) => row.what === what)));
  return `# Beside others

All of it ran on one machine, in one run, in turns: of each pair one system right after the other, the first of them alternating.
${page.pairs} pairs of ${page.seconds} s each, after ${page.startSeconds} s in which each system gets warm at that number of connections; medians, and the median of the
pairs' ratios. The load comes from ${toolName(page.tool)}, on
keep-alive connections each of which sends its next request when the last is answered; the generator shares the cores with
what it measures, on both sides alike. All stores are on the same disk; each side syncs before it acknowledges.

- Machine: ${page.machine}
- etcd: ${page.etcd}, three members, its defaults, over its HTTP/JSON gateway
- Again: \`${page.command}\`
- Requests refused or not answered: ${page.failed}

${page.plot ?? ''}

## Orders against puts

What one request does:

- **Ours**, \`POST /orders\` (${page.orderBytes} bytes of JSON): a front-end validates it and hands it to the leader; the leader logs it and sends it to two
  replicas, a majority syncs it to disk (the durable step); the leader then checks the stock and moves it, and each
  catalog revokes it from the caches of its front-ends; then the client has its number. Six processes, two network hops more than etcd, and the answer depends on state: an order that stock does not cover is refused.
- **etcd**, \`POST /v3/kv/put\` on its leader, the same ${page.orderBytes} bytes as the value of a new key (in base64, as its gateway asks): the leader logs
  it and sends it to two members, a majority syncs it to disk, the leader applies it. Three processes, one durable step, no check.
  Native gRPC clients save etcd the JSON; the gateway is what speaks HTTP like ours.

${table('write')}

## Cached look-ups against bare node:http

- **Cache on**: \`GET /stocks/:name\` from the front-end's cache, under a live lease: a linearizable read.
- **Bare**: one \`node:http\` process that answers every request with the same headers and body, and looks at nothing.
- **Cache off**: the same look-up, but the front-end asks a catalog each time. What arrives together it asks in one frame, so the
  cache buys most where few ask at once.

${table('lookup')}

## Order reads against etcd's reads

- **Ours**, \`GET /orders/:number\`, one of ${page.records} at random: the front-end asks a replica, which answers at once from its book if it has the
  order: a filled order never changes, so any replica that has it is right. (Only a "not found" needs the majority.)
- **etcd linearizable**, \`POST /v3/kv/range\` of one of ${page.records} keys on its leader: it confirms with a majority that it still leads, then reads.
- **etcd serializable**: the member reads what it has, which may be old.

${table('read')}

## A leader killed under load

${page.failoverPerSecond} writes a second at an even rate, latencies from the intended start. Ours go to the front-end, which finds the new leader and sends again
with the same key; etcd's go to a member that is not the leader, which forwards them. The leader is killed with SIGKILL. Both elect
by their defaults (etcd: heartbeat 100 ms, election timeout 1000 ms); in ours, followers also take the broken connection as a hint.
Ours holds the writes of an outage and acknowledges them after it; etcd refuses them, so its longest wait is that of other writes.

${toMarkdown(failoverTable(page.failovers, page.ours, page.theirs))}
`;
}

function toolName(tool: string): string {
  return tool === 'wrk' ? 'wrk (one thread)' : 'our own generator (one thread)';
}
