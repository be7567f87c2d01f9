/**
 * Bugs to plant: each is one change to one compiled file of the library (or of the replicated map under test, where a
 * rule is the state machine's to keep). The text must occur exactly once, so that a row cannot silently plant nothing.
 */
export interface Mutation {
  readonly name: string;
  /** Compiled file, relative to the folder of the package. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const CORE = 'dist/core';
export const BOOK = 'sim/dist/cluster';
