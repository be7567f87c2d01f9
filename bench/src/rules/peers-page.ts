/** The page of the comparison. */
import { comparisonTable, failoverTable, type ComparedFigure, type FailoverSample } from './peers.js';
import { describeRun, toMarkdown, type PageHead } from './text.js';
import { closedLatencies } from './wrk.js';

export interface PeersPage extends PageHead {
  readonly etcd: string;
  readonly tool: string;
  readonly pairs: number;
  readonly seconds: number;
  /** Warm-up of each system before the first pair at a number of connections. */
  readonly startSeconds: number;
  /** Size of an order's body, and of a value in etcd. */
  readonly orderBytes: number;
  /** Number of orders, and of etcd keys, that reads choose from. */
  readonly records: number;
  /** Writes per second while a leader is killed. */
  readonly failoverPerSecond: number;
  readonly compared: readonly ComparedFigure[];
  readonly failovers: readonly FailoverSample[];
  /** Names of the two systems of the failovers. */
  readonly ours: string;
  readonly theirs: string;
  /** Failed requests of the closed loops. */
  readonly failed: number;
  readonly plot: string | null;
}

export function peersPage(page: PeersPage): string {
  const table = (what: string): string =>
    toMarkdown(comparisonTable(page.compared.filter((row) => row.what === what)));
  return `# Comparison with etcd and node:http

All systems ran on one machine in one session. The two systems of a pair were measured right after each other, in alternating order:
${page.pairs} pairs of ${page.seconds} s each, after ${page.startSeconds} s of warm-up of each system at that number of connections. The tables show medians, and the median of
the ratios of all pairs. The load comes from ${page.tool} (one thread) on keep-alive connections, each of which sends its next
request when the last is answered. Latencies are ${closedLatencies(page.tool)}. The generator
shares the cores with the system under test. All data is on the same disk, and both systems sync a write before they acknowledge it.

${describeRun(page)}
- etcd: ${page.etcd}, three members, default configuration, through its HTTP/JSON gateway
- Failed requests: ${page.failed}

${page.plot ?? ''}

## Orders and puts

- **Trireme**, \`POST /orders\` (${page.orderBytes} bytes of JSON): a front-end validates the order and sends it to the leader. The leader appends it to the
  log and replicates it to two followers, and a majority syncs it. The leader applies it, which checks and moves the stock, while each
  catalog revokes the stock from the caches of its front-ends. Then the client gets the order number. Six processes take part, with
  two network hops more than in etcd, and an order that exceeds the stock is rejected.
- **etcd**, \`POST /v3/kv/put\` to its leader, with the same ${page.orderBytes} bytes as the value of a new key (in base64, as the gateway requires). The
  leader appends it to the log and replicates it to two members, a majority syncs it, and the leader applies it. Three processes
  take part, and nothing is checked. A native gRPC client would save etcd the JSON; the gateway makes both sides speak HTTP.

${table('write')}

## Cached look-ups and bare node:http

- **Cache on**: \`GET /stocks/:name\` from the front-end's cache under a valid lease, which is a linearizable read.
- **Bare**: one \`node:http\` process that answers every request with the same headers and body.
- **Cache off**: the same look-up, for which the front-end asks a catalog. It asks for concurrent look-ups in one frame, so the cache
  gains most with few connections.

${table('lookup')}

## Order reads and etcd's reads

- **Trireme**, \`GET /orders/:number\`, one of ${page.records} at random: the front-end asks a replica, which answers from its order book. A filled order
  never changes, so any replica that has it may answer; only a "not found" needs a majority.
- **etcd linearizable**, \`POST /v3/kv/range\` of one of ${page.records} keys on the leader, which first confirms its leadership with a majority.
- **etcd serializable**: a member answers from its local state, which may be stale.

${table('read')}

## Leader killed under load

${page.failoverPerSecond} writes per second at a constant rate; latencies count from the intended start. Trireme's writes go to the front-end, which finds the
new leader and retries with the same idempotency key. etcd's writes go to a follower, which forwards them. The leader is killed
with SIGKILL. Both systems use their default timeouts (etcd: heartbeat 100 ms, election timeout 1000 ms); Trireme's followers also react to
the broken connection. Trireme holds writes during the outage and acknowledges them afterwards. etcd refuses them, so its longest
latency is that of other writes.

${toMarkdown(failoverTable(page.failovers, page.ours, page.theirs))}
`;
}
