/** What the rules ask of the adapters around them, and what they tell of themselves. */
import type { CatalogToFrontend, CatalogToReplica, MembersFrame } from '@trireme/domain';
import type { LogPosition, TracedDecision } from './followed-log.js';

/** What is worth a line in the log. */
export type CatalogEvent =
  | {
      readonly kind: 'attached';
      readonly replica: string;
      readonly term: number;
      readonly visible: number;
      readonly hadAuthority: boolean;
    }
  | { readonly kind: 'installed'; readonly index: number; readonly life: string; readonly stocks: number }
  /** Look-ups are answered from now on. */
  | { readonly kind: 'authorized'; readonly visible: number }
  /** No grant came in time: look-ups are not answered any more. */
  | { readonly kind: 'authorityLost' }
  | { readonly kind: 'refused'; readonly replica: string; readonly term: number; readonly reason: string }
  | { readonly kind: 'reset'; readonly replica: string; readonly term: number; readonly reason: string }
  /** A front-end with an open link did not answer a revocation before its lease was over. */
  | { readonly kind: 'leaseExpired'; readonly peer: string }
  /** Decided: the command of a request that is followed. */
  | ({ readonly kind: 'traced' } & TracedDecision);

export type CatalogFrame = CatalogToFrontend | CatalogToReplica;

/** What the adapters have to do, in this order: send, close, take in who is in the group. */
export interface Effects {
  readonly sends: readonly (readonly [link: number, frame: CatalogFrame])[];
  readonly closes: readonly (readonly [link: number, reason: string])[];
  readonly members: readonly MembersFrame[];
  readonly events: readonly CatalogEvent[];
  /** Call `tick` at this time, instead of any time named before; null if nothing waits for time. */
  readonly wakeAt: number | null;
}

/** For the status page. */
export interface CatalogStatus extends LogPosition {
  /** 16 random hex digits of this process. */
  readonly process: string;
  readonly visible: number;
  readonly received: number;
  readonly stocks: number;
  /** Front-ends that may hold a lease. */
  readonly sessions: number;
  /** The leader that it is attached to. */
  readonly leader: { readonly replica: string; readonly term: number } | null;
  /** Milliseconds of authority that are left; 0 without. */
  readonly authorityMs: number;
  /** Look-ups and lists that wait for an entry to become visible. */
  readonly waiting: number;
  /** Why look-ups are not answered, null if they are. */
  readonly unready: string | null;
}
