/** What a driver is joined with, in memory and under the test's hand: disk, network, clock and machine. */
import { MemoryDisk } from '../core/testing/disk.js';
import { logOf } from '../core/testing/messages.js';
import type {
  Entry,
  HardState,
  LogBase,
  LogIndex,
  Message,
  NodeId,
  PersistBatch,
  Term,
} from '../core/types.js';
import type { Clock } from '../clock.js';
import type { SnapshotSupport, StateMachine } from '../machine.js';
import { RaftNode } from '../node.js';
import type { NodeEvent, NodeStatus, RaftNodeOptions } from '../options.js';
import type { LogStorage } from '../storage/storage.js';
import type { SnapshotTransfer, Transport, TransportHandler } from '../transport/transport.js';

const TURNS_MAX = 2_000;
/** Turns after which all that was on its way has arrived: a message takes one, a persist none. */
const QUIET_TURNS = 30;

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Lets the event loop go round until `condition` holds; throws if it does not come to that. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    if (condition()) return;
    await turn();
  }
  throw new Error(`${condition.toString()} did not come about`);
}

/** Gives everything that is on its way time to arrive, to show that something does not happen. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < QUIET_TURNS; turns += 1) await turn();
}

/** Lets callers through, or makes them wait until it opens. */
class Gate {
  #waiting: (() => void)[] = [];
  #closed = false;

  get waiting(): number {
    return this.#waiting.length;
  }

  async pass(): Promise<void> {
    if (this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    this.letThrough();
  }

  /** Lets those through that wait now, and stays closed for others. */
  letThrough(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export class TestStorage implements LogStorage {
  readonly gate = new Gate();
  readonly batches: PersistBatch[] = [];
  failure: Error | null = null;
  underWayMax = 0;
  isClosed = false;
  #underWay = 0;
  readonly #disk: MemoryDisk;

  constructor(terms: readonly Term[] = []) {
    this.#disk = new MemoryDisk({ term: terms.at(-1) ?? 0, vote: null }, logOf(terms));
  }

  hardState(): HardState {
    return this.#disk.hardState;
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#underWay += 1;
    this.underWayMax = Math.max(this.underWayMax, this.#underWay);
    this.batches.push(batch);
    await this.gate.pass();
    if (this.failure !== null) throw this.failure;
    this.#disk.write(batch);
    this.#underWay -= 1;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async compact(base: LogBase): Promise<void> {
    this.#disk.compact(base.index);
  }

  base(): LogBase {
    return this.#disk.base();
  }

  lastIndex(): LogIndex {
    return this.#disk.lastIndex();
  }

  term(index: LogIndex): Term {
    return this.#disk.term(index);
  }

  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    return this.#disk.entries(low, high, bytesMax);
  }

  lastMembership(index: LogIndex): Entry | null {
    return this.#disk.lastMembership(index);
  }
}

export class TestMachine implements StateMachine {
  readonly gate = new Gate();
  entries: Entry[] = [];
  failure: Error | null = null;
  /** How often it was replaced by a snapshot. */
  installs = 0;
  underWayMax = 0;
  #underWay = 0;
  readonly #start: LogIndex;
  readonly snapshots?: SnapshotSupport;

  constructor(start: LogIndex = 0, support?: (machine: TestMachine) => SnapshotSupport) {
    this.#start = start;
    if (support !== undefined) this.snapshots = support(this);
  }

  get applied(): LogIndex {
    return this.#start + this.entries.length;
  }

  async apply(entries: readonly Entry[]): Promise<void> {
    this.#underWay += 1;
    this.underWayMax = Math.max(this.underWayMax, this.#underWay);
    await this.gate.pass();
    if (this.failure !== null) throw this.failure;
    this.entries.push(...entries);
    this.#underWay -= 1;
  }
}

/** Time stands still until `advance`; what is deferred runs in the next turn. */
export class TestClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly ms: number; readonly callback: () => void; passed: number }>();

  get timers(): number {
    return this.#timers.size;
  }

  every(ms: number, callback: () => void): () => void {
    const timer = { ms, callback, passed: 0 };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  now(): number {
    return this.#now;
  }

  leaseNow(): number {
    return this.#now;
  }

  /** Time passes in which nothing runs, as while a process is paused. */
  pause(ms: number): void {
    this.#now += ms;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      timer.passed += ms;
      for (; timer.passed >= timer.ms; timer.passed -= timer.ms) timer.callback();
    }
  }
}

/** Joins transports; a message arrives one turn later unless `passes` says no. */
export class Hub {
  readonly handlers = new Map<NodeId, TransportHandler>();
  readonly sent: Message[] = [];
  /** Whom each member was told to be in touch with; it is not held to it. */
  readonly peers = new Map<NodeId, Set<NodeId>>();
  passes: (message: Message) => boolean = () => true;
  passesSnapshot: (transfer: SnapshotTransfer) => boolean = () => true;

  transport(id: NodeId): Transport {
    return {
      start: async (handler) => {
        this.handlers.set(id, handler);
      },
      send: (message) => {
        this.sent.push(message);
        if (this.passes(message)) setImmediate(() => this.handlers.get(message.to)?.message(message));
      },
      peers: () => [...(this.peers.get(id) ?? [])],
      addPeer: (peer) => {
        this.peers.set(id, new Set([...(this.peers.get(id) ?? []), peer]));
      },
      removePeer: (peer) => {
        this.peers.get(id)?.delete(peer);
      },
      sendSnapshot: async (transfer, signal) => {
        await turn();
        const handler = this.handlers.get(transfer.to);
        if (handler === undefined || !this.passesSnapshot(transfer)) throw new Error('no way');
        const { chunks, cancel } = guarded(transfer.chunks, signal);
        const aborted = new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('given up'))),
        );
        await Promise.race([handler.snapshot({ ...transfer, chunks, cancel }), aborted]);
      },
      stop: async () => {
        this.handlers.delete(id);
      },
    };
  }
}

/** The chunks until one side gives up. */
function guarded(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): { readonly chunks: AsyncIterable<Uint8Array>; readonly cancel: () => void } {
  const cancelled = new AbortController();
  const either = AbortSignal.any([signal, cancelled.signal]);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      either.throwIfAborted();
      yield chunk;
      await turn();
      either.throwIfAborted();
    }
  }
  return { chunks: chunks(), cancel: () => cancelled.abort() };
}

/** A node with all that it is joined with, and what it told. */
export interface Rig {
  readonly node: RaftNode;
  readonly storage: TestStorage;
  readonly machine: TestMachine;
  readonly clock: TestClock;
  readonly fatal: unknown[];
  readonly changes: NodeStatus[];
  readonly events: NodeEvent[];
}

export async function startNode(hub: Hub, options: Partial<RaftNodeOptions> & { id: NodeId }): Promise<Rig> {
  const rig = {
    storage: new TestStorage(),
    machine: new TestMachine(),
    clock: new TestClock(),
    fatal: [] as unknown[],
    changes: [] as NodeStatus[],
    events: [] as NodeEvent[],
  };
  const node = await RaftNode.start({
    members: [options.id],
    storage: rig.storage,
    transport: hub.transport(options.id),
    machine: rig.machine,
    clock: rig.clock,
    random: () => 0.5,
    tickMs: 10,
    electionTicks: 10,
    heartbeatTicks: 1,
    onChange: (status) => rig.changes.push(status),
    onFatal: (error) => rig.fatal.push(error),
    onEvent: (event) => rig.events.push(event),
    ...options,
  });
  return { node, ...rig };
}

/** A cluster of one that leads. */
export async function startAlone(options: Partial<RaftNodeOptions> = {}): Promise<Rig> {
  const rig = await startNode(new Hub(), { id: 'a', ...options });
  // Under leases even who is alone waits for a timeout.
  if (options.leaseReads === true) rig.clock.advance(150);
  await until(() => rig.node.status().leading);
  return rig;
}

/** Three nodes, of which the first leads and is agreed upon. */
export async function startThree(hub: Hub): Promise<readonly [Rig, Rig, Rig]> {
  const members = ['a', 'b', 'c'];
  const start = async (id: NodeId): Promise<Rig> => startNode(hub, { id, members });
  const rigs = [await start('a'), await start('b'), await start('c')] as const;
  rigs[0].clock.advance(150);
  await until(() => rigs[0].node.status().leading);
  // The news of the commit goes out with the next tick.
  rigs[0].clock.advance(10);
  await until(() => rigs.every(({ machine }) => machine.applied === 1));
  return rigs;
}
