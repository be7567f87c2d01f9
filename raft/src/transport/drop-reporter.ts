/** Reports dropped messages: after a turn of the event loop, once for each peer. */
import type { NodeId } from '../core/types.js';
import type { DropReason } from './events.js';

export class DropReporter {
  /** The reason of the first drop; null if the link broke. At most one entry for each peer. */
  readonly #dropped = new Map<NodeId, DropReason | null>();
  readonly #onDrop: (peer: NodeId, reason: DropReason | null) => void;

  constructor(onDrop: (peer: NodeId, reason: DropReason | null) => void) {
    this.#onDrop = onDrop;
  }

  /** Records a drop, which is reported after this turn. */
  add(peer: NodeId, reason: DropReason | null): void {
    if (this.#dropped.has(peer)) return;
    if (this.#dropped.size === 0) setImmediate(() => this.#report());
    this.#dropped.set(peer, reason);
  }

  #report(): void {
    const dropped = [...this.#dropped];
    this.#dropped.clear();
    for (const [peer, reason] of dropped) this.#onDrop(peer, reason);
  }
}
