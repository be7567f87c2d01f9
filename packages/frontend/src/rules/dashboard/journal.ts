/**
 * A journal of cluster events as seen by this front-end: opened and closed links, and leader changes. It is
 * recorded even without dashboard viewers: the events are rare, and a viewer wants to see the last fault.
 */

/** Maximum number of events; at the bound the oldest one is dropped. */
export const EVENTS_MAX = 40;

/** Severity of an event. */
export type EventSeverity = 'good' | 'warn' | 'bad';

export interface JournalEvent {
  /** Increases by one with each event. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly tone: EventSeverity;
  readonly text: string;
}

/** The state of links and leader, from which events are derived. */
export interface ClusterView {
  readonly replicas: readonly { readonly id: string; readonly linked: boolean }[];
  readonly leader: { readonly replica: string; readonly term: number } | null;
  readonly catalogs: readonly { readonly id: string; readonly linked: boolean }[];
}

const EMPTY_VIEW: ClusterView = { replicas: [], leader: null, catalogs: [] };

export class EventJournal {
  readonly #events: JournalEvent[] = [];
  #number = 0;
  #last: ClusterView = EMPTY_VIEW;
  /** When the last leader was lost, on a monotonic clock; null while there is one, and before the first. */
  #leaderlessSince: number | null = null;

  /** The latest first. */
  get events(): readonly JournalEvent[] {
    return this.#events.toReversed();
  }

  /** Milliseconds at `now` since the last leader was lost; null while there is one, and before the first. */
  leaderlessMs(now: number): number | null {
    return this.#leaderlessSince === null ? null : Math.max(0, now - this.#leaderlessSince);
  }

  /**
   * Records what has changed since the last call.
   * @param now milliseconds on a monotonic clock.
   * @param time milliseconds since 1970.
   */
  update(view: ClusterView, now: number, time: number): void {
    const last = this.#last;
    this.#last = view;
    for (const { id, linked } of view.replicas) {
      const was = isLinked(last.replicas, id);
      if (linked && !was) this.#add(time, 'good', `connected to replica ${id}`);
      if (!linked && was) this.#add(time, 'bad', `lost the connection to replica ${id}`);
    }
    for (const { id, linked } of view.catalogs) {
      const was = isLinked(last.catalogs, id);
      if (linked && !was) this.#add(time, 'good', `connected to ${id}`);
      if (!linked && was) this.#add(time, 'warn', `lost the connection to ${id}`);
    }
    this.#recordLeader(last.leader, view.leader, now, time);
  }

  #recordLeader(last: ClusterView['leader'], leader: ClusterView['leader'], now: number, time: number): void {
    if (leader === null) {
      if (last === null) return;
      this.#leaderlessSince = now;
      this.#add(time, 'warn', `no leader known after term ${last.term}, waiting for an election`);
      return;
    }
    if (leader.replica === last?.replica && leader.term === last.term) return;
    const gapMs = this.leaderlessMs(now);
    this.#leaderlessSince = null;
    const after = gapMs === null ? '' : `, after ${Math.round(gapMs)} ms without a leader`;
    this.#add(time, 'good', `replica ${leader.replica} leads in term ${leader.term}${after}`);
  }

  #add(time: number, tone: EventSeverity, text: string): void {
    this.#number += 1;
    this.#events.push({ number: this.#number, time, tone, text });
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
  }
}

function isLinked(all: readonly { readonly id: string; readonly linked: boolean }[], id: string): boolean {
  return all.find((one) => one.id === id)?.linked ?? false;
}
