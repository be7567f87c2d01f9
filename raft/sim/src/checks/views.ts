/** Inputs and listeners of the checks. */
import type { Entry, LogIndex, NodeId, Role, Term, LogView } from '@trireme/raft';

/** Terms stay below this bound, so that index and term fit into one number. */
export const TERMS_MAX = 2 ** 20;

/** A member as the checks see it: its current log, and the role and term that it published at the end of a turn. */
export interface ObservedMember {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly log: LogView;
  /** The term in which it leads now; 0 if it does not lead. More expensive than `role`. */
  readonly currentLeaderTerm: () => Term;
}

/** What is durable on a member's disk. */
export interface DiskView {
  readonly hardState: { readonly term: Term; readonly vote: NodeId | null };
  readonly base: { readonly index: LogIndex };
  readonly lastIndex: LogIndex;
  term(index: LogIndex): Term;
}

/** Reports a failed check, by its name and a description. */
export type ReportViolation = (check: string, what: string) => void;

/** Notified when the oracle observes something for the first time. */
export interface OracleListener {
  onEntryLogged(entry: Entry): void;
  onCommitted(index: LogIndex, term: Term): void;
  checkCommit(id: NodeId, log: LogView, index: LogIndex, term: Term): void;
  checkElection(id: NodeId, log: LogView, term: Term, voteOf: (voter: NodeId) => NodeId | undefined): void;
}
