/**
 * Snapshots between the state machine and the network: those that followers need, and the one that this member gets.
 * Messages, appends and applies go on beside both. The core decides, this carries.
 */
import type { Need } from './compaction.js';
import { RaftError, invariant } from './core/errors.js';
import type { RaftCore } from './core/raft.js';
import type { LogBase, LogIndex, NodeId, Term } from './core/types.js';
import type { SnapshotSupport, SnapshotView, StagedSnapshot } from './machine.js';
import type { IncomingSnapshot, Transport } from './transport/transport.js';

/** What a node tells of its log and its snapshots, for logs and metrics. */
export type SnapshotEvent =
  | { readonly type: 'compacted'; readonly base: LogBase }
  /** The log was cut behind `base` although `to` lacks what follows `index`: the bound is reached, and it needs a snapshot. */
  | { readonly type: 'followerOutrun'; readonly to: NodeId; readonly index: LogIndex; readonly base: LogBase }
  | { readonly type: 'snapshotSending'; readonly to: NodeId; readonly base: LogBase }
  | { readonly type: 'snapshotSent'; readonly to: NodeId; readonly base: LogBase }
  | { readonly type: 'snapshotFailed'; readonly to: NodeId; readonly base: LogBase; readonly error: unknown }
  | { readonly type: 'snapshotReceiving'; readonly from: NodeId; readonly base: LogBase }
  | { readonly type: 'snapshotInstalled'; readonly base: LogBase };

interface SnapshotsOptions {
  readonly id: NodeId;
  readonly core: RaftCore;
  readonly transport: Transport;
  /** Null where the state machine has none to give and takes none. */
  readonly support: SnapshotSupport | null;
  /** Gives the core an input; the node works off what comes of it. Does nothing once the node has stopped. */
  readonly input: (give: () => void) => void;
  /** Resolves when no apply that was under way is. */
  readonly applied: () => Promise<void>;
  /** What goes wrong with the state machine stops the node. */
  readonly fail: (error: unknown) => void;
  readonly onEvent: (event: SnapshotEvent) => void;
}

interface Sending {
  /** The last index that is in the snapshot. */
  readonly index: LogIndex;
  readonly abort: AbortController;
}

interface Receiving {
  readonly term: Term;
  readonly cancel: () => void;
  readonly done: Promise<void>;
}

/** A snapshot that has come; `settle` is called when it is installed, or never will be. */
interface Staged {
  readonly base: LogBase;
  readonly snapshot: StagedSnapshot;
  readonly settle: (error: RaftError | null) => void;
}

export class Snapshots {
  readonly #o: SnapshotsOptions;
  /** At most one for each follower. */
  readonly #sending = new Map<NodeId, Sending>();
  readonly #work = new Set<Promise<void>>();
  #receiving: Receiving | null = null;
  /** What the core is asked to take, or has taken and is to be installed. */
  #staged: Staged | null = null;
  #isStopped = false;

  constructor(options: SnapshotsOptions) {
    this.#o = options;
  }

  /** Where the snapshots under way were taken: their receivers will need the entries after that. */
  get needed(): readonly Need[] {
    return [...this.#sending].map(([to, { index }]) => ({ to, index }));
  }

  /** Sends a snapshot to a follower, in place of one that may be under way for an earlier purpose. */
  send(to: NodeId): void {
    this.#sending.get(to)?.abort.abort();
    this.#track(this.#send(to).catch((error: unknown) => this.#o.fail(error)));
  }

  async #send(to: NodeId): Promise<void> {
    const { core, support } = this.#o;
    if (support === null) {
      // Once more when the follower is heard of, but never from inside the turn that asked.
      await Promise.resolve();
      this.#o.input(() => core.snapshotFailed(to));
      return;
    }
    const view = support.take();
    const sending = { index: view.index, abort: new AbortController() };
    this.#sending.set(to, sending);
    let isTaken: boolean;
    try {
      // What is being applied may be in the view already, and is known to be applied only after it.
      await this.#o.applied();
      isTaken = await this.#transfer(to, core.log.baseAt(view.index), view, sending.abort.signal);
    } finally {
      await view.close();
    }
    if (this.#sending.get(to) !== sending) return;
    this.#sending.delete(to);
    this.#o.input(() => {
      if (isTaken) core.snapshotSent(to, view.index);
      else core.snapshotFailed(to);
    });
  }

  /** Returns whether the follower has taken it. */
  async #transfer(to: NodeId, base: LogBase, view: SnapshotView, signal: AbortSignal): Promise<boolean> {
    const { id: from, core, transport, onEvent } = this.#o;
    onEvent({ type: 'snapshotSending', to, base });
    try {
      await transport.sendSnapshot({ from, to, term: core.term, base, chunks: view.chunks() }, signal);
    } catch (error) {
      onEvent({ type: 'snapshotFailed', to, base, error });
      return false;
    }
    onEvent({ type: 'snapshotSent', to, base });
    return true;
  }

  /** This member does not lead any more: what it sends is of no use to anyone. */
  abortSending(): void {
    for (const { abort } of this.#sending.values()) abort.abort();
    this.#sending.clear();
  }

  /**
   * Takes a snapshot from another member; resolves once it is the state machine, or this member came as far without it.
   * @throws RaftError `SNAPSHOT_REFUSED`, or what went wrong on the way; nothing has changed then.
   */
  async receive(incoming: IncomingSnapshot): Promise<void> {
    const { support } = this.#o;
    if (support === null) throw refused('this member takes no snapshots');
    this.#checkUse(incoming);
    const before = this.#receiving;
    if (before !== null) {
      if (incoming.term < before.term) throw refused('one of a later leader is coming in');
      // Who begins anew has given up what it sent before.
      before.cancel();
      await before.done;
      if (this.#receiving !== null) throw refused('another one is coming in');
      this.#checkUse(incoming);
    }
    const work = this.#receive(incoming, support);
    const over = (): void => {
      this.#receiving = null;
    };
    const done = work.then(over, over);
    this.#receiving = { term: incoming.term, cancel: () => incoming.cancel(), done };
    this.#track(done);
    await work;
  }

  #checkUse({ from, to, term, base }: IncomingSnapshot): void {
    const { core, input } = this.#o;
    if (this.#isStopped) throw STOPPED;
    if (term < core.term) throw refused(`it is of term ${term}, this member is in ${core.term}`);
    if (base.index <= core.log.commit) {
      // The leader would not send it if it knew. What this member said may be lost, and nothing else may come that asks
      // for it again: the leader would go on sending the same for ever.
      input(() => void core.installSnapshot({ type: 'installSnapshot', from, to, term, base }));
      throw refused(`it is as of ${base.index}, this member is at ${core.log.commit}`);
    }
    if (this.#staged !== null) throw refused('another one is being installed');
  }

  async #receive(
    { from, to, term, base, chunks }: IncomingSnapshot,
    support: SnapshotSupport,
  ): Promise<void> {
    this.#o.onEvent({ type: 'snapshotReceiving', from, base });
    const writing = (isUnderWay: boolean): void => this.#o.core.writingSnapshot(isUnderWay);
    let snapshot: StagedSnapshot;
    try {
      snapshot = await support.receive(base, watched(chunks, writing));
    } finally {
      writing(false);
    }
    const outcome = new Promise<RaftError | null>((settle) => {
      this.#staged = { base, snapshot, settle };
      this.#o.input(() => {
        if (this.#o.core.installSnapshot({ type: 'installSnapshot', from, to, term, base })) return;
        this.#staged = null;
        settle(null);
      });
    });
    if (this.#isStopped) this.#settle(STOPPED);
    const error = await outcome;
    // One that was installed is the machine now: of that nothing is discarded.
    await snapshot.discard();
    if (error !== null) throw error;
  }

  /** Makes the snapshot that the core has taken the state machine. */
  async install(base: LogBase): Promise<void> {
    const staged = this.#staged;
    invariant(staged?.base.index === base.index, `no snapshot as of ${base.index} is there to be installed`);
    await staged.snapshot.install();
  }

  /** The log begins behind the snapshot as well: all is done. */
  installed(base: LogBase): void {
    this.#o.onEvent({ type: 'snapshotInstalled', base });
    this.#settle(null);
  }

  #settle(error: RaftError | null): void {
    const staged = this.#staged;
    this.#staged = null;
    staged?.settle(error);
  }

  /** Gives up what is on its way. What is being installed goes on. */
  cancel(): void {
    this.#isStopped = true;
    this.abortSending();
    this.#receiving?.cancel();
  }

  /** Gives up all else as well, and waits until it is over. Nothing may be being installed. */
  async stop(): Promise<void> {
    this.cancel();
    this.#settle(STOPPED);
    await Promise.allSettled(this.#work);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

/** The same chunks; tells when whoever reads them is busy with one, or with what there is to do after the last. */
async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  writing: (isUnderWay: boolean) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    writing(true);
    yield chunk;
    writing(false);
  }
  writing(true);
}

const STOPPED = new RaftError('STOPPED', 'the node has stopped');

function refused(why: string): RaftError {
  return new RaftError('SNAPSHOT_REFUSED', `the snapshot is refused: ${why}`);
}
