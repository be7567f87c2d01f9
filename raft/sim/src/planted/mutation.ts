/**
 * A bug to plant: one change to one compiled file of the library, or of the replicated map if a rule concerns
 * the state machine. `find` must occur exactly once, so that an outdated row cannot silently plant nothing.
 */
export interface Mutation {
  readonly name: string;
  /** Compiled file, relative to the folder of the package. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const CORE = 'dist/core';
export const CLUSTER = 'sim/dist/cluster';
