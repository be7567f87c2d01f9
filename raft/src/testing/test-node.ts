/** In-memory disk, network, clock and state machine for a node, controlled by the test. */
import { MemoryDisk } from '../core/testing/memory-disk.js';
import { makeLog } from '../core/testing/messages.js';
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
import type { SnapshotSupport, StateMachine } from '../state-machine.js';
import { RaftNode } from '../node.js';
import type { NodeEvent, NodeStatus, RaftNodeOptions } from '../options.js';
import type { LogStorage } from '../storage/storage.js';
import type { SnapshotTransfer, Transport, TransportHandler } from '../transport/transport.js';

const TURNS_MAX = 2_000;
/** Turns after which everything in flight has arrived: a message takes one turn, a persist none. */
const QUIET_TURNS = 30;

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Runs turns of the event loop until `condition` is true; throws after too many turns. */
export async function waitUntil(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    if (condition()) return;
    await turn();
  }
  throw new Error(`condition did not become true: ${condition.toString()}`);
}

/** Waits until everything in flight has arrived, to show that something does not happen. */
export async function waitUntilQuiet(): Promise<void> {
  for (let turns = 0; turns < QUIET_TURNS; turns += 1) await turn();
}

/** Lets callers pass, or makes them wait until it opens. */
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

  /** Lets the waiting callers pass, and stays closed for later ones. */
  letThrough(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export class TestStorage implements LogStorage {
  readonly gate = new Gate();
  readonly batches: PersistBatch[] = [];
  failure: Error | null = null;
  maxConcurrent = 0;
  isClosed = false;
  #underWay = 0;
  readonly #disk: MemoryDisk;

  constructor(terms: readonly Term[] = []) {
    this.#disk = new MemoryDisk({ term: terms.at(-1) ?? 0, vote: null }, makeLog(terms));
  }

  hardState(): HardState {
    return this.#disk.hardState;
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#underWay += 1;
    this.maxConcurrent = Math.max(this.maxConcurrent, this.#underWay);
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
  /** How many snapshots were installed. */
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

/** A clock that moves only by `advance` and `pause`. Deferred callbacks run in the next turn. */
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

  /** Advances the time without running timers, like a paused process. */
  pause(ms: number): void {
    this.#now += ms;
  }

  /** Advances the time and runs the timers that are due. */
  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      timer.passed += ms;
      for (; timer.passed >= timer.ms; timer.passed -= timer.ms) timer.callback();
    }
  }
}

/** Connects transports; a message arrives one turn later unless `passes` returns false. */
export class TransportHub {
  readonly handlers = new Map<NodeId, TransportHandler>();
  readonly sent: Message[] = [];
  /** The peers of each member; messages are not restricted to them. */
  readonly peers = new Map<NodeId, Set<NodeId>>();
  delivers: (message: Message) => boolean = () => true;
  deliversSnapshot: (transfer: SnapshotTransfer) => boolean = () => true;

  transport(id: NodeId): Transport {
    return {
      start: async (handler) => {
        this.handlers.set(id, handler);
      },
      send: (message) => {
        this.sent.push(message);
        if (this.delivers(message)) setImmediate(() => this.handlers.get(message.to)?.onMessage(message));
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
        if (handler === undefined || !this.deliversSnapshot(transfer)) throw new Error('unreachable');
        const { chunks, cancel } = abortable(transfer.chunks, signal);
        const aborted = new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        );
        await Promise.race([handler.onSnapshot({ ...transfer, chunks, cancel }), aborted]);
      },
      stop: async () => {
        this.handlers.delete(id);
      },
    };
  }
}

/** The chunks, until either side aborts. */
function abortable(
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

/** A node with its environment, and its recorded notifications. */
export interface TestNode {
  readonly node: RaftNode;
  readonly storage: TestStorage;
  readonly machine: TestMachine;
  readonly clock: TestClock;
  readonly fatal: unknown[];
  readonly changes: NodeStatus[];
  readonly events: NodeEvent[];
}

export async function startNode(
  hub: TransportHub,
  options: Partial<RaftNodeOptions> & { id: NodeId },
): Promise<TestNode> {
  const testNode = {
    storage: new TestStorage(),
    machine: new TestMachine(),
    clock: new TestClock(),
    fatal: [] as unknown[],
    changes: [] as NodeStatus[],
    events: [] as NodeEvent[],
  };
  const node = await RaftNode.start({
    members: [options.id],
    storage: testNode.storage,
    transport: hub.transport(options.id),
    stateMachine: testNode.machine,
    clock: testNode.clock,
    random: () => 0.5,
    tickMs: 10,
    electionTicks: 10,
    heartbeatTicks: 1,
    onChange: (status) => testNode.changes.push(status),
    onFatal: (error) => testNode.fatal.push(error),
    onEvent: (event) => testNode.events.push(event),
    ...options,
  });
  return { node, ...testNode };
}

/** A cluster of one that leads. */
export async function startSingle(options: Partial<RaftNodeOptions> = {}): Promise<TestNode> {
  const testNode = await startNode(new TransportHub(), { id: 'a', ...options });
  // With lease reads even the only voter waits for an election timeout.
  if (options.leaseReads === true) testNode.clock.advance(150);
  await waitUntil(() => testNode.node.status().leading);
  return testNode;
}

/** Three nodes; the first one leads, and all have applied its first entry. */
export async function startThree(hub: TransportHub): Promise<readonly [TestNode, TestNode, TestNode]> {
  const members = ['a', 'b', 'c'];
  const start = async (id: NodeId): Promise<TestNode> => startNode(hub, { id, members });
  const testNodes = [await start('a'), await start('b'), await start('c')] as const;
  testNodes[0].clock.advance(150);
  await waitUntil(() => testNodes[0].node.status().leading);
  // Followers learn the commit index with the next tick.
  testNodes[0].clock.advance(10);
  await waitUntil(() => testNodes.every(({ machine }) => machine.applied === 1));
  return testNodes;
}
