/** The interface of a state machine and of its snapshots. */
import type { Entry, LogBase, LogIndex } from './core/types.js';

/** The state machine that committed entries are applied to; the embedding program implements it. */
export interface StateMachine {
  /**
   * The last applied index that is durable, 0 for a new machine. It must survive a restart together with its
   * effects. A machine that stores its state later than it applies entries reports how far it has stored;
   * after a restart the node applies the following entries again.
   */
  readonly applied: LogIndex;
  /**
   * Applies committed entries in order, each exactly once in the lifetime of a node. The next call comes
   * after the promise has resolved; reads must show the entries by then. No-ops are included, so that
   * `applied` keeps up. A rejection stops the node.
   */
  apply(entries: readonly Entry[]): Promise<void>;
  /**
   * Snapshot support, which bounds the log. Without it the log is never compacted, and no snapshot is sent or
   * accepted.
   */
  readonly snapshots?: SnapshotSupport;
}

/** How a state machine creates and installs snapshots. */
export interface SnapshotSupport {
  /**
   * The base of the last installed snapshot, null if there was none. It must become durable in the same
   * atomic step as the snapshot itself.
   */
  readonly restoredBase: LogBase | null;
  /**
   * Makes the applied entries durable. Resolves with the last durable index: the log may be compacted only up
   * to there. A rejection stops the node.
   */
  sync(): Promise<LogIndex>;
  /**
   * Takes an immutable view of the machine between two calls of `apply`. The view may be older than the last
   * `apply`, but not older than the index that `sync` returned last.
   */
  createView(): SnapshotView;
  /**
   * Reads a snapshot into a separate place while the machine keeps running. Resolves once the snapshot is
   * verified and durable. One call at a time. Rejects, and leaves nothing behind, if `chunks` throw or are
   * not a snapshot at `base`.
   */
  receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot>;
}

/** The state machine at one index, to be sent as a snapshot. */
export interface SnapshotView {
  /** The last applied index that it includes. */
  readonly index: LogIndex;
  /** Its bytes in chunks of any size, produced on demand; may be read once. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Releases the view, whether it was read or not. */
  close(): Promise<void>;
}

/** A completely received snapshot that is not installed yet. */
export interface StagedSnapshot {
  /**
   * Replaces the state of the machine with the snapshot, atomically and durably: a crash leaves the old state
   * or the new one. No entries are applied meanwhile. A rejection stops the node.
   */
  install(): Promise<void>;
  /** Removes the snapshot; does nothing if it is installed. */
  discard(): Promise<void>;
}
