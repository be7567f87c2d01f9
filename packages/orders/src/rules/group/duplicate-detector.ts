/**
 * Decides when a replica must assume that it runs on a copy of another replica's folder: a peer refuses it
 * because another process answers at the replica's address, and no peer connects to it, as each would if this
 * process had that address.
 */
import type { TransportEvent } from '@trireme/raft/http';
import type { PeerLinks } from './peer-links.js';

/** Longer than a link to a dead process may appear to be open, in milliseconds. */
export const DUPLICATE_MS = 5_000;

export class DuplicateDetector {
  /** Reason and start of each peer's refusal; at most one entry per peer. */
  readonly #refusals = new Map<string, { readonly message: string; readonly since: number }>();

  /** @param now monotonic milliseconds */
  onEvent(event: TransportEvent, now: number): void {
    if (event.type === 'connected' && event.direction === 'out') this.#refusals.delete(event.peer);
    if (event.type !== 'dialFailed') return;
    const { peer, status, message } = event;
    if (status !== 'DUPLICATE_MEMBER') this.#refusals.delete(peer);
    else this.#refusals.set(peer, { message, since: this.#refusals.get(peer)?.since ?? now });
  }

  /** Whether a peer currently refuses this process as a duplicate. */
  get isRefused(): boolean {
    return this.#refusals.size > 0;
  }

  /** Why this process is a copy; null if that is not certain. */
  duplicateReason(links: PeerLinks, now: number): string | null {
    if (links.open.some(({ direction }) => direction === 'in')) return null;
    for (const { message, since } of this.#refusals.values()) if (now - since >= DUPLICATE_MS) return message;
    return null;
  }
}
