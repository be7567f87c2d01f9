/** What the checks are shown, and whom they tell. */
import type { Entry, LogIndex, NodeId, Role, Term } from '#raft/core/types.js';
import type { LogView } from '#raft/options.js';

/** Terms stay far below this, so that (index, term) fits into one number. */
export const TERMS_MAX = 2 ** 20;

/** A member as the checks see it: its log now, and its role and term as it last told, at the end of a turn. */
export interface Subject {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly log: LogView;
  /** The term in which it leads at this very moment; 0 if it does not. Not asked for at every look. */
  readonly leadsNow: () => Term;
}

/** What is surely on a member's disk. */
export interface DiskView {
  readonly hardState: { readonly term: Term; readonly vote: NodeId | null };
  readonly base: { readonly index: LogIndex };
  readonly lastIndex: LogIndex;
  term(index: LogIndex): Term;
}

/** Told the name of the check that found something, and what. */
export type Violated = (check: string, what: string) => void;

/** Told of what the oracle sees for the first time. */
export interface Sequel {
  placed(entry: Entry): void;
  committed(index: LogIndex, term: Term): void;
  checkCommit(id: NodeId, log: LogView, index: LogIndex, term: Term): void;
  checkElection(id: NodeId, log: LogView, term: Term, voteOf: (voter: NodeId) => NodeId | undefined): void;
}
