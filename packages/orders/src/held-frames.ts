/** What front-ends ask a replica that was elected and is not ready to lead yet: it is answered as soon as it is. */
import type { FromReplica } from '@trireme/domain';
import type { Link } from '@trireme/service';
import type { FrontendFrame } from './rules/frames.js';

/** What the frames that are held ask for together, at most. */
export const HELD_ITEMS_MAX = 50_000;

interface HeldFrame {
  readonly link: Link;
  readonly frame: LeaderFrame;
}

export class HeldFrames {
  #frames: HeldFrame[] = [];
  #items = 0;

  /** Returns false, and holds nothing, where there is no room. */
  hold(link: Link, frame: LeaderFrame): boolean {
    const items = itemsOf(frame);
    if (this.#items + items > HELD_ITEMS_MAX) return false;
    this.#items += items;
    this.#frames.push({ link, frame });
    return true;
  }

  forget(link: Link): void {
    const kept = this.#frames.filter((held) => held.link !== link);
    this.#frames = [];
    this.#items = 0;
    for (const held of kept) this.hold(held.link, held.frame);
  }

  /** In the order in which they came. */
  takeAll(): readonly HeldFrame[] {
    this.#items = 0;
    return this.#frames.splice(0);
  }
}

/** A frame of this kind may ask what only the leader can answer. */
type LeaderFrame = Extract<FrontendFrame, { t: 'submit' | 'get' | 'lookup' | 'list' | 'listStocks' }>;

/** Whether a frame asks what only the leader can answer. */
export function isForLeader(frame: FrontendFrame): frame is LeaderFrame {
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
export function busyAnswer(frame: LeaderFrame): FromReplica {
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
