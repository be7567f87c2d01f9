/** What the log's entries are applied to, and what a snapshot is of. */
import type { Entry, LogBase, LogIndex } from './core/types.js';

/** What committed entries are applied to: the embedder's own. */
export interface StateMachine {
  /**
   * The last index that is in the machine for good, 0 for a new one. It must survive a restart together with its effects.
   * A machine that stores behind what it has taken in says how far it has stored; a restart applies the rest again.
   */
  readonly applied: LogIndex;
  /**
   * Applies committed entries in order, in one life each exactly once: the next call comes after the promise resolved.
   * Then reads show them. No-ops are among them, so that `applied` keeps up. A rejection stops the node.
   */
  apply(entries: readonly Entry[]): Promise<void>;
  /** What a log that does not grow for ever needs. Without it nothing is compacted, and no snapshot sent or taken. */
  readonly snapshots?: SnapshotSupport;
}

/** Snapshots of a state machine, given and taken. */
export interface SnapshotSupport {
  /**
   * The base of the snapshot that the machine was last made of, null if it was never made of one. It has to become
   * durable in the very step in which the snapshot becomes the machine.
   */
  readonly restored: LogBase | null;
  /**
   * Makes what is applied survive a power loss. Resolves with the index up to which it does: only up to there may the
   * log be compacted. A rejection stops the node.
   */
  sync(): Promise<LogIndex>;
  /**
   * Takes a view of the machine as it is between two applies, which later ones do not change; it may be of some applies
   * ago, but not of before what `sync` has told.
   */
  take(): SnapshotView;
  /**
   * Reads a snapshot into a place of its own, beside the machine, which goes on; resolves once it is verified and
   * durable. One at a time. Rejects, and leaves nothing, where `chunks` throw or are no snapshot as of `base`.
   */
  receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot>;
}

/** The state machine as it was at one index, to be sent as a snapshot. */
export interface SnapshotView {
  /** The last index that is in it. */
  readonly index: LogIndex;
  /** Its bytes in pieces of any size, made as they are asked for; to be read once at most. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Frees what the view holds, whether it was read or not. */
  close(): Promise<void>;
}

/** A snapshot that has come, whole. */
export interface StagedSnapshot {
  /**
   * Makes it the machine: atomically and durably, so that a crash leaves the machine of before or this one. Nothing is
   * being applied meanwhile. A rejection stops the node.
   */
  install(): Promise<void>;
  /** Removes it; does nothing to one that is installed. */
  discard(): Promise<void>;
}
