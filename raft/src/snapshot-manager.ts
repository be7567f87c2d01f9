/**
 * Transfers snapshots between the state machine and the network: to followers that need one, and from a
 * leader. Messages, appends and applies continue meanwhile. The core decides when a snapshot is sent or
 * installed.
 */
import type { RetentionNeed } from './compaction.js';
import { RaftError, invariant } from './core/errors.js';
import type { RaftCore } from './core/raft.js';
import type { LogBase, LogIndex, NodeId, Term } from './core/types.js';
import type { SnapshotSupport, SnapshotView, StagedSnapshot } from './state-machine.js';
import type { IncomingSnapshot, Transport } from './transport/transport.js';

/** Events about compactions and snapshots, for logs and metrics. */
export type SnapshotEvent =
  /** The log now starts after `base`. */
  | { readonly type: 'compacted'; readonly base: LogBase }
  /**
   * The log was cut at `base` although `to` lacks the entries after `index`: at the bound, `to` needs a
   * snapshot.
   */
  | {
      readonly type: 'followerNeedsSnapshot';
      readonly to: NodeId;
      readonly index: LogIndex;
      readonly base: LogBase;
    }
  /** A snapshot as of `base` is being sent to the follower `to`. */
  | { readonly type: 'snapshotSending'; readonly to: NodeId; readonly base: LogBase }
  /** The follower has installed it. */
  | { readonly type: 'snapshotSent'; readonly to: NodeId; readonly base: LogBase }
  /** It was not sent completely, or was refused; another one follows. */
  | { readonly type: 'snapshotFailed'; readonly to: NodeId; readonly base: LogBase; readonly error: unknown }
  /** A snapshot of the leader `from` is being received. */
  | { readonly type: 'snapshotReceiving'; readonly from: NodeId; readonly base: LogBase }
  /** The snapshot has replaced the state machine and the log. */
  | { readonly type: 'snapshotInstalled'; readonly base: LogBase };

interface SnapshotsOptions {
  readonly id: NodeId;
  readonly core: RaftCore;
  readonly transport: Transport;
  /** Null if the state machine does not support snapshots. */
  readonly support: SnapshotSupport | null;
  /** Passes an input to the core; the node handles the result. Does nothing once the node has stopped. */
  readonly stepCore: (give: () => void) => void;
  /** Resolves when the running apply is done. */
  readonly waitForApply: () => Promise<void>;
  /** Stops the node after a failure of the state machine. */
  readonly fail: (error: unknown) => void;
  readonly onEvent: (event: SnapshotEvent) => void;
}

interface Sending {
  /** The last index that the snapshot includes. */
  readonly index: LogIndex;
  readonly abort: AbortController;
}

interface Receiving {
  readonly term: Term;
  readonly cancel: () => void;
  readonly done: Promise<void>;
}

/** A completely received snapshot. `settle` is called when it is installed, or will not be. */
interface Staged {
  readonly base: LogBase;
  readonly snapshot: StagedSnapshot;
  readonly settle: (error: RaftError | null) => void;
}

export class SnapshotManager {
  readonly #options: SnapshotsOptions;
  /** At most one for each follower. */
  readonly #sending = new Map<NodeId, Sending>();
  readonly #work = new Set<Promise<void>>();
  #receiving: Receiving | null = null;
  /**
   * The snapshot that was offered to the core, or that the core has accepted and that is not installed yet.
   */
  #staged: Staged | null = null;
  #isStopped = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** The last index of each snapshot in transfer: its receiver will need the entries after it. */
  get retentionNeeds(): readonly RetentionNeed[] {
    return [...this.#sending].map(([to, { index }]) => ({ to, index }));
  }

  /** Sends a snapshot to a follower; aborts an earlier transfer to it. */
  send(to: NodeId): void {
    this.#sending.get(to)?.abort.abort();
    this.#track(this.#send(to).catch((error: unknown) => this.#options.fail(error)));
  }

  async #send(to: NodeId): Promise<void> {
    const { core, support } = this.#options;
    if (support === null) {
      // The core retries when the follower answers; but it must not be called back while it requests the
      // snapshot.
      await Promise.resolve();
      this.#options.stepCore(() => core.onSnapshotFailed(to));
      return;
    }
    const view = support.createView();
    const sending = { index: view.index, abort: new AbortController() };
    this.#sending.set(to, sending);
    let isAccepted: boolean;
    try {
      // The view may already include entries whose apply has not been reported to the core yet.
      await this.#options.waitForApply();
      isAccepted = await this.#transfer(to, core.baseAt(view.index), view, sending.abort.signal);
    } finally {
      await view.close();
    }
    if (this.#sending.get(to) !== sending) return;
    this.#sending.delete(to);
    this.#options.stepCore(() => {
      if (isAccepted) core.onSnapshotAccepted(to, view.index);
      else core.onSnapshotFailed(to);
    });
  }

  /** Returns whether the follower has accepted the snapshot. */
  async #transfer(to: NodeId, base: LogBase, view: SnapshotView, signal: AbortSignal): Promise<boolean> {
    const { id: from, core, transport, onEvent } = this.#options;
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

  /** Aborts all outgoing transfers: this member no longer leads. */
  abortSending(): void {
    for (const { abort } of this.#sending.values()) abort.abort();
    this.#sending.clear();
  }

  /**
   * Receives a snapshot from another member. Resolves once it is installed, or this member no longer needs
   * it.
   * @throws RaftError `SNAPSHOT_REFUSED`, or the error that interrupted the transfer; nothing has changed
   *   then.
   */
  async receive(incoming: IncomingSnapshot): Promise<void> {
    const { support } = this.#options;
    if (support === null) throw refused('the state machine does not support snapshots');
    this.#checkNeeded(incoming);
    const previous = this.#receiving;
    if (previous !== null) {
      if (incoming.term < previous.term) throw refused('a snapshot from a later leader is being received');
      // A leader that sends a new snapshot has given up the previous one.
      previous.cancel();
      await previous.done;
      if (this.#receiving !== null) throw refused('another snapshot is being received');
      this.#checkNeeded(incoming);
    }
    const work = this.#receive(incoming, support);
    const onEnd = (): void => {
      this.#receiving = null;
    };
    const done = work.then(onEnd, onEnd);
    this.#receiving = { term: incoming.term, cancel: () => incoming.cancel(), done };
    this.#track(done);
    await work;
  }

  /** @throws RaftError `SNAPSHOT_REFUSED` if the snapshot is stale or not needed; `STOPPED`. */
  #checkNeeded({ from, to, term, base }: IncomingSnapshot): void {
    const { core, stepCore } = this.#options;
    if (this.#isStopped) throw STOPPED;
    if (term < core.term) throw refused(`its term ${term} is older than the current term ${core.term}`);
    if (base.index <= core.log.commit) {
      // The leader does not know how far this member is: its acknowledgement may have been lost. The core
      // acknowledges again, or the leader would send the same snapshot for ever.
      stepCore(() => void core.handleSnapshot({ type: 'installSnapshot', from, to, term, base }));
      throw refused(`it ends at index ${base.index}, but this member has committed index ${core.log.commit}`);
    }
    if (this.#staged !== null) throw refused('another snapshot is being installed');
  }

  async #receive(
    { from, to, term, base, chunks }: IncomingSnapshot,
    support: SnapshotSupport,
  ): Promise<void> {
    this.#options.onEvent({ type: 'snapshotReceiving', from, base });
    const writing = (isUnderWay: boolean): void => this.#options.core.onSnapshotWrite(isUnderWay);
    let snapshot: StagedSnapshot;
    try {
      snapshot = await support.receive(base, reportWriting(chunks, writing));
    } finally {
      writing(false);
    }
    const outcome = new Promise<RaftError | null>((settle) => {
      this.#staged = { base, snapshot, settle };
      this.#options.stepCore(() => {
        if (this.#options.core.handleSnapshot({ type: 'installSnapshot', from, to, term, base })) return;
        this.#staged = null;
        settle(null);
      });
    });
    if (this.#isStopped) this.#settle(STOPPED);
    const error = await outcome;
    // Discarding an installed snapshot does nothing.
    await snapshot.discard();
    if (error !== null) throw error;
  }

  /** Installs the snapshot that the core has accepted in the state machine. */
  async install(base: LogBase): Promise<void> {
    const staged = this.#staged;
    invariant(
      staged?.base.index === base.index,
      `there is no received snapshot at index ${base.index} to install`,
    );
    await staged.snapshot.install();
  }

  /** Completes the installation: the log was restarted after the snapshot as well. */
  onInstalled(base: LogBase): void {
    this.#options.onEvent({ type: 'snapshotInstalled', base });
    this.#settle(null);
  }

  #settle(error: RaftError | null): void {
    const staged = this.#staged;
    this.#staged = null;
    staged?.settle(error);
  }

  /** Cancels all transfers. A running installation continues. */
  cancelTransfers(): void {
    this.#isStopped = true;
    this.abortSending();
    this.#receiving?.cancel();
  }

  /** Cancels everything and waits until it has ended. No installation may be running. */
  async stop(): Promise<void> {
    this.cancelTransfers();
    this.#settle(STOPPED);
    await Promise.allSettled(this.#work);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

/** Passes the chunks on, and reports while their reader works on a chunk, or finishes after the last one. */
async function* reportWriting(
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
  return new RaftError('SNAPSHOT_REFUSED', `the snapshot was refused: ${why}`);
}
