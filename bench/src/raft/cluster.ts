/**
 * Three members in this process, each with its own synced log store, over real HTTP on the loopback
 * interface.
 */
import { join } from 'node:path';
import { RaftNode, type Entry, type StateMachine } from '@trireme/raft';
import { HttpTransport } from '@trireme/raft/http';
import { LevelLog } from '@trireme/raft/level';

const IDS = ['a', 'b', 'c'];
const SECRET = 'the secret of a benchmark';
const ELECTED_MS_MAX = 10_000;

/** A state machine that stores nothing: the benchmark measures replication only. */
class CountingMachine implements StateMachine {
  applied = 0;
  onApplied: (entries: readonly Entry[]) => void = () => undefined;

  async apply(entries: readonly Entry[]): Promise<void> {
    this.applied = entries.at(-1)?.index ?? this.applied;
    this.onApplied(entries);
    return Promise.resolve();
  }
}

/** A member and its state machine. */
export interface BenchMember {
  readonly node: RaftNode;
  readonly machine: CountingMachine;
}

export interface Cluster {
  /** The elected leader. */
  readonly leader: BenchMember;
  readonly members: readonly BenchMember[];
  /** Stops all members. */
  readonly stop: () => Promise<void>;
}

/** Starts a cluster in an empty folder, and waits for a leader. Rejects if there is none within ten seconds. */
export async function startCluster(folder: string): Promise<Cluster> {
  const transports = IDS.map(
    (id) =>
      new HttpTransport({
        id,
        cluster: 'bench',
        secret: SECRET,
        listen: { host: '127.0.0.1', port: 0 },
      }),
  );
  const addresses = await Promise.all(
    transports.map(async (transport) => `http://127.0.0.1:${await transport.listen()}`),
  );
  const failed: unknown[] = [];
  const members = await Promise.all(
    transports.map(async (transport, position) => {
      const id = IDS[position] ?? '';
      const machine = new CountingMachine();
      const node = await RaftNode.start({
        id,
        members: IDS,
        addresses: new Map(addresses.map((address, of) => [IDS[of] ?? '', address])),
        storage: await LevelLog.open({ path: join(folder, id), cluster: 'bench', id }),
        transport,
        stateMachine: machine,
        onFatal: (error) => failed.push(error),
      });
      return { node, machine };
    }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(members.map(async ({ node }) => node.stop()));
  };
  const deadline = performance.now() + ELECTED_MS_MAX;
  for (;;) {
    const leader = members.find(({ node }) => node.status().leading);
    if (leader !== undefined) return { leader, members, stop };
    if (failed.length > 0 || performance.now() > deadline) {
      await stop();
      throw new Error(`no leader was elected within ${ELECTED_MS_MAX} ms`, { cause: failed[0] });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
