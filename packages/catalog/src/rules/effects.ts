/** The outputs of the catalog's rules: effects for the adapters, events for the log, and the status. */
import type { CatalogToFrontend, CatalogToReplica, MembershipFrame } from '@trireme/domain';
import type { AppliedPosition, TracedOutcome } from './followed-log.js';

/** An event that the service logs and counts. */
export type CatalogEvent =
  | {
      readonly kind: 'attached';
      readonly replica: string;
      readonly term: number;
      readonly visible: number;
      readonly hadAuthority: boolean;
    }
  | { readonly kind: 'installed'; readonly index: number; readonly life: string; readonly stocks: number }
  /** The catalog answers look-ups from now on. */
  | { readonly kind: 'authorized'; readonly visible: number }
  /** No grant arrived in time: the catalog answers look-ups with `unready`. */
  | { readonly kind: 'authorityLost' }
  | { readonly kind: 'refused'; readonly replica: string; readonly term: number; readonly reason: string }
  | { readonly kind: 'reset'; readonly replica: string; readonly term: number; readonly reason: string }
  /** A front-end with an open link did not acknowledge a revocation before its lease expired. */
  | { readonly kind: 'leaseExpired'; readonly peer: string }
  /** The outcome of a traced command. */
  | ({ readonly kind: 'traced' } & TracedOutcome);

export type OutgoingFrame = CatalogToFrontend | CatalogToReplica;

/** A frame to send on a link. */
export interface Send {
  readonly link: number;
  readonly frame: OutgoingFrame;
}

/** A link to close. */
export interface Close {
  readonly link: number;
  readonly reason: string;
}

/** What the adapters do, in this order: send frames, close links, update the members of the group. */
export interface CatalogEffects {
  readonly sends: readonly Send[];
  readonly closes: readonly Close[];
  readonly members: readonly MembershipFrame[];
  readonly events: readonly CatalogEvent[];
  /** When to call `tick`, instead of any earlier value; null if nothing waits for time to pass. */
  readonly wakeAt: number | null;
}

/** Body of `GET /status`. */
export interface CatalogStatus extends AppliedPosition {
  /** Random id of this instance: 16 hex digits. */
  readonly process: string;
  readonly visible: number;
  readonly received: number;
  readonly stocks: number;
  /** Front-ends that may hold a lease. */
  readonly sessions: number;
  /** The leader to which the catalog is attached. */
  readonly leader: { readonly replica: string; readonly term: number } | null;
  /** Remaining milliseconds of authority; 0 without authority. */
  readonly authorityMs: number;
  /** Look-ups and lists that wait for an entry to become visible. */
  readonly waiting: number;
  /** Why the catalog cannot answer look-ups; null if it can. */
  readonly unready: string | null;
}
