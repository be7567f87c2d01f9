/**
 * Requests of front-ends to a replica that was elected and whose leader session is not open yet; they are
 * answered then.
 */
import type { ReplicaToFrontend } from '@trireme/domain';
import type { Link } from '@trireme/service';
import type { FrontendFrame } from '../rules/frames.js';

/** Maximum number of items in all held frames together. */
export const PENDING_ITEMS_MAX = 50_000;

interface HeldFrame {
  readonly link: Link;
  readonly frame: LeaderFrame;
}

export class PendingFrames {
  #frames: HeldFrame[] = [];
  #items = 0;

  /** Returns false, and does not hold the frame, if there is no room. */
  tryAdd(link: Link, frame: LeaderFrame): boolean {
    const items = itemsOf(frame);
    if (this.#items + items > PENDING_ITEMS_MAX) return false;
    this.#items += items;
    this.#frames.push({ link, frame });
    return true;
  }

  removeLink(link: Link): void {
    const kept = this.#frames.filter((held) => held.link !== link);
    this.#frames = [];
    this.#items = 0;
    for (const held of kept) this.tryAdd(held.link, held.frame);
  }

  /** Removes and returns all frames in the order of their arrival. */
  drain(): readonly HeldFrame[] {
    this.#items = 0;
    return this.#frames.splice(0);
  }
}

/** A frame of a kind that may need the leader. */
type LeaderFrame = Extract<FrontendFrame, { t: 'submit' | 'get' | 'lookup' | 'list' | 'listStocks' }>;

/** Whether only the leader can answer the frame. */
export function requiresLeader(frame: FrontendFrame): frame is LeaderFrame {
  switch (frame.t) {
    case 'submit':
    case 'lookup':
    case 'list':
    case 'listStocks':
      return true;
    case 'get':
      return frame.items.some(([, , isSure]) => isSure);
    case 'invalidList':
    case 'report':
      return false;
  }
}

/** The answer to a frame for which there is no room. */
export function busyAnswer(frame: LeaderFrame): ReplicaToFrontend {
  switch (frame.t) {
    case 'submit':
      return { t: 'submitted', items: frame.items.map(({ id }) => [id, 'refused', 'busy']) };
    case 'get':
      return { t: 'got', items: frame.items.map(([id]) => [id, 'refused', 'busy']) };
    case 'lookup':
      return { t: 'stocks', life: '', items: frame.items.map(([id]) => [id, 'refused', 'busy']) };
    case 'list':
    case 'listStocks':
      return { t: 'pageRefused', id: frame.id, why: 'busy' };
  }
}

function itemsOf(frame: LeaderFrame): number {
  return 'items' in frame ? frame.items.length + frame.invalid.length : 1;
}
