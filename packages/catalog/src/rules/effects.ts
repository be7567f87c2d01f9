/** What the rules ask of the adapters around them, and what they tell of themselves. */
import type { CatalogToFrontend, CatalogToLeader } from '@trireme/domain';
import type { Installation, LogPosition, Refusal, TracedDecision } from './round.js';

/** What is worth a line in the log. */
export type CatalogEvent =
  | { readonly kind: 'attached'; readonly link: number; readonly upTo: number; readonly lastIndex: number }
  | { readonly kind: 'ready'; readonly lastIndex: number }
  | ({ readonly kind: 'installed' } & Installation)
  /** Decided, and soon answered: the command of a request that is followed. */
  | ({ readonly kind: 'traced' } & TracedDecision)
  | ({ readonly kind: 'refused' } & Refusal)
  /** A front-end did not answer a revocation before its lease was over. */
  | { readonly kind: 'leaseExpired'; readonly peer: string };

/** What the adapters have to do, in this order: send, close. */
export interface Effects {
  readonly sends: readonly (readonly [link: number, frame: CatalogToFrontend | CatalogToLeader])[];
  readonly closes: readonly (readonly [link: number, reason: string])[];
  readonly events: readonly CatalogEvent[];
  /** Call `tick` at this time, instead of any time named before; null if nothing waits for time. */
  readonly wakeAt: number | null;
}

/** For the status page: what is applied and revoked, and what is at work. */
export interface CatalogStatus extends LogPosition {
  readonly stocks: number;
  readonly sessions: number;
  readonly leaders: number;
  readonly queued: number;
  readonly ready: boolean;
}
