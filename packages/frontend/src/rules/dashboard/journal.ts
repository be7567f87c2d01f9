/**
 * What has happened to the cluster, as this front-end saw it: links that opened and closed, leaders that came and went.
 * It is written whether or not anyone watches, as such events are rare and the last fault is what people come to see.
 */

/** Events that are kept; at the bound the oldest goes. */
export const EVENTS_MAX = 40;

/** How an event is to be taken. */
export type EventTone = 'good' | 'warn' | 'bad';

export interface JournalEvent {
  /** Rises by one with each event. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly tone: EventTone;
  readonly text: string;
}

/** What is looked at. */
export interface ClusterView {
  readonly replicas: readonly { readonly id: string; readonly linked: boolean }[];
  readonly leader: { readonly replica: string; readonly term: number } | null;
  readonly catalogs: readonly { readonly id: string; readonly linked: boolean }[];
}

const NOTHING: ClusterView = { replicas: [], leader: null, catalogs: [] };

export class Journal {
  readonly #events: JournalEvent[] = [];
  #number = 0;
  #last: ClusterView = NOTHING;
  /** When the last leader was lost, on a clock that never jumps; null while there is one, and before the first. */
  #leaderlessSince: number | null = null;

  /** The newest first. */
  get events(): readonly JournalEvent[] {
    return this.#events.toReversed();
  }

  /** How long no leader has been known at `now`, in milliseconds; null while one is, and before the first. */
  leaderlessMs(now: number): number | null {
    return this.#leaderlessSince === null ? null : Math.max(0, now - this.#leaderlessSince);
  }

  /**
   * Writes down what has changed since the last look.
   * @param now on a clock that never jumps, in milliseconds.
   * @param time milliseconds since 1970.
   */
  look(view: ClusterView, now: number, time: number): void {
    const last = this.#last;
    this.#last = view;
    for (const { id, linked } of view.replicas) {
      const was = isLinked(last.replicas, id);
      if (linked && !was) this.#add(time, 'good', `replica ${id} is linked`);
      if (!linked && was) this.#add(time, 'bad', `the link to replica ${id} broke`);
    }
    for (const { id, linked } of view.catalogs) {
      const was = isLinked(last.catalogs, id);
      if (linked && !was) this.#add(time, 'good', `${id} is linked`);
      if (!linked && was) this.#add(time, 'warn', `the link to ${id} closed`);
    }
    this.#lookAtLeader(last.leader, view.leader, now, time);
  }

  #lookAtLeader(last: ClusterView['leader'], leader: ClusterView['leader'], now: number, time: number): void {
    if (leader === null) {
      if (last === null) return;
      this.#leaderlessSince = now;
      this.#add(time, 'warn', `no leader is known after term ${last.term}: an election is due`);
      return;
    }
    if (leader.replica === last?.replica && leader.term === last.term) return;
    const gapMs = this.leaderlessMs(now);
    this.#leaderlessSince = null;
    const after = gapMs === null ? '' : `, after ${Math.round(gapMs)} ms without a leader`;
    this.#add(time, 'good', `replica ${leader.replica} leads in term ${leader.term}${after}`);
  }

  #add(time: number, tone: EventTone, text: string): void {
    this.#number += 1;
    this.#events.push({ number: this.#number, time, tone, text });
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
  }
}

function isLinked(all: readonly { readonly id: string; readonly linked: boolean }[], id: string): boolean {
  return all.find((one) => one.id === id)?.linked ?? false;
}
