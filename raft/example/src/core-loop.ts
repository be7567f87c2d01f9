/**
 * Three cores in one process, driven by hand: they elect a leader, which logs and replicates commands, and every member
 * applies them. `RaftNode` is such a loop with real time, disks and connections.
 */
import {
  DEFAULT_LIMITS,
  NO_BASE,
  RaftCore,
  initialMembership,
  type Entry,
  type HardState,
  type LogReader,
  type Message,
  type PersistBatch,
} from '@trireme/raft';

/** Log, term and vote of one member, in memory. A real one writes and syncs them before `write` is done. */
class MemoryLog implements LogReader {
  hardState: HardState = { term: 0, vote: null };
  readonly #entries: Entry[] = [];

  write({ hardState, entries }: PersistBatch): void {
    this.hardState = hardState ?? this.hardState;
    const first = entries[0]?.index ?? this.lastIndex() + 1;
    // Entries of a deposed leader may be in the way: the batch replaces them.
    this.#entries.splice(first - 1, Infinity, ...entries);
  }

  base = () => NO_BASE;
  lastIndex = () => this.#entries.length;
  term = (index: number) => this.#entries[index - 1]?.term ?? 0;
  lastMembership = () => null; // This example never changes the membership.

  /** Entries of at most `bytesMax` bytes, but at least one. */
  entries(low: number, high: number, bytesMax: number): Entry[] {
    let bytes = 0;
    const isWithin = ({ record }: Entry) => (bytes += record.byteLength) <= bytesMax;
    return this.#entries.slice(low - 1, high).filter((entry, at) => isWithin(entry) || at === 0);
  }
}

const IDS = ['a', 'b', 'c'];
const members = IDS.map((id) => {
  const log = new MemoryLog();
  const core = new RaftCore(
    {
      id,
      initialMembership: initialMembership(IDS),
      electionTicks: 10,
      heartbeatTicks: 1,
      random: Math.random,
      limits: DEFAULT_LIMITS,
      lease: null,
    },
    { hardState: log.hardState, reader: log, applied: 0 },
  );
  return { id, core, log, values: [] as string[] };
});

/** Messages on their way. A real transport may lose, delay, repeat and reorder them. */
const network: Message[] = [];

/** Does the work that one core has after its inputs. Returns whether there was any. */
function handleReady({ core, log, values }: (typeof members)[number]): boolean {
  const { send, persist, apply } = core.ready();
  // Send at once: the core holds back what must not leave before the disk has it, such as a granted vote.
  network.push(...send);
  if (persist !== null) {
    log.write(persist);
    // The next `ready` has the messages that waited for this write.
    core.onPersisted();
  }
  const last = apply.at(-1);
  if (last !== undefined) {
    for (const { kind, data } of apply) if (kind === 'command') values.push(Buffer.from(data).toString());
    core.onApplied(last.index);
  }
  return send.length > 0 || persist !== null || last !== undefined;
}

/** One tick of time at every member, then the work and the messages that follow from it. */
function tick(): void {
  for (const { core } of members) core.tick();
  while (members.map(handleReady).includes(true)) {
    for (const message of network.splice(0)) members.find(({ id }) => id === message.to)?.core.step(message);
  }
}

/** Ticks until `condition` is true. */
function tickUntil(condition: () => boolean): void {
  while (!condition()) tick();
}

const findLeader = () => members.find(({ core }) => core.role === 'leader');
tickUntil(() => findLeader() !== undefined);
console.log('a leader is elected');

// Only the leader accepts proposals. It logs them at once; they count when a majority has them on disk.
for (const command of ['row', 'ram', 'board']) findLeader()?.core.propose(Buffer.from(command));
tickUntil(() => members.every(({ values }) => values.length === 3));
for (const { id, values } of members) console.log(id, 'applied:', values.join(', '));
