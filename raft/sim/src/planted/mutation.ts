/**
 * A bug to plant: one change to one compiled file of the library, or of the replicated map if a rule concerns
 * the state machine. `find` must occur exactly once, so that an outdated row cannot silently plant nothing.
 */
export interface Mutation {
  readonly name: string;
  /** Compiled file, relative to the folder of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const CORE = 'raft/dist/core';
export const CLUSTER = 'raft/sim/dist/cluster';
