/** What front-ends ask a replica that was elected and is not ready to lead yet: it is answered as soon as it is. */
import type { Link } from '@trireme/service';
import type { FrontendFrame } from './rules/frames.js';

/** What the frames that are held ask for together, at most. */
export const HELD_ITEMS_MAX = 50_000;

interface HeldFrame {
  readonly link: Link;
  readonly frame: FrontendFrame;
}

export class HeldFrames {
  #frames: HeldFrame[] = [];
  #items = 0;

  /** Returns whether it is held: only the leader can answer it, and there is room. */
  hold(link: Link, frame: FrontendFrame): boolean {
    const items = itemsForLeader(frame);
    if (items === 0 || this.#items + items > HELD_ITEMS_MAX) return false;
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

/** How much of a frame only the leader can answer. */
function itemsForLeader(frame: FrontendFrame): number {
  switch (frame.t) {
    case 'submit':
    case 'lookup':
      return frame.items.length;
    case 'get':
      return frame.items.filter(([, , isSure]) => isSure).length;
    case 'list':
    case 'listStocks':
      return 1;
    case 'invalidList':
    case 'report':
      return 0;
  }
}
