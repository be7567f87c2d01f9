/** Which peers lost messages in a turn of the event loop, told once for each after it. */
import type { NodeId } from '../core/types.js';
import type { DropReason } from './events.js';

export class DropReporter {
  /** Why the first message was dropped; null where the link broke. At most one entry for each peer. */
  readonly #lost = new Map<NodeId, DropReason | null>();
  readonly #told: (peer: NodeId, reason: DropReason | null) => void;

  constructor(told: (peer: NodeId, reason: DropReason | null) => void) {
    this.#told = told;
  }

  /** To be told after this turn. */
  add(peer: NodeId, reason: DropReason | null): void {
    if (this.#lost.has(peer)) return;
    if (this.#lost.size === 0) setImmediate(() => this.#tell());
    this.#lost.set(peer, reason);
  }

  #tell(): void {
    const lost = [...this.#lost];
    this.#lost.clear();
    for (const [peer, reason] of lost) this.#told(peer, reason);
  }
}
