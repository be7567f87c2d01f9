/** What the rules ask of the adapters around them, and what they tell of themselves. */
import type { CatalogToFrontend, CatalogToLeader } from '@trireme/domain';
import type { CatalogWrite, Refusal, ReplayDone, TracedDecision } from './round.js';

/** What is worth a line in the log. */
export type CatalogEvent =
  | { readonly kind: 'attached'; readonly link: number; readonly upTo: number; readonly lastIndex: number }
  | { readonly kind: 'ready'; readonly lastIndex: number }
  | ({ readonly kind: 'replayed' } & ReplayDone)
  /** Decided, and soon answered: the command of a request that is followed. */
  | ({ readonly kind: 'traced' } & TracedDecision)
  | ({ readonly kind: 'refused'; readonly request: Refusal['kind']; readonly lastIndex: number } & Omit<
      Refusal,
      'kind'
    >)
  /** A front-end did not answer a revocation before its lease was over. */
  | { readonly kind: 'leaseExpired'; readonly peer: string };

/** What the adapters have to do, in this order: send, close, write. */
export interface Effects {
  readonly sends: readonly (readonly [link: number, frame: CatalogToFrontend | CatalogToLeader])[];
  readonly closes: readonly (readonly [link: number, reason: string])[];
  /** Write and sync, then call `written`. Not null at most once at a time. */
  readonly write: CatalogWrite | null;
  readonly events: readonly CatalogEvent[];
  /** Call `tick` at this time, instead of any time named before; null if nothing waits for time. */
  readonly wakeAt: number | null;
}

/** A snapshot for the status page. */
export interface CatalogStatus {
  /** Decided and revoked up to here. */
  readonly lastIndex: number;
  /** And saved up to here: what a catalog that starts on this disk need not be told again. */
  readonly savedIndex: number;
  readonly settled: number;
  readonly stocks: number;
  readonly outcomes: number;
  readonly sessions: number;
  readonly leaders: number;
  readonly queued: number;
  readonly ready: boolean;
}
