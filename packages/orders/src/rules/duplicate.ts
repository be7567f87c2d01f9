/**
 * When a replica has to take itself for a copy of another one: a peer refuses it because another process answers at the
 * replica's address, and no peer sends it anything, as each would if this process were the one at that address.
 */
import type { TransportEvent } from '@trireme/raft';
import type { PeerLinks } from './peer-links.js';

/** As long as a link to a dead process may seem to be open, and more, in milliseconds. */
export const DUPLICATE_MS = 5_000;

export class DuplicateRule {
  /** Why each peer refuses this process, and since when. One entry for a peer at most. */
  readonly #refusals = new Map<string, { readonly message: string; readonly since: number }>();

  /** @param now monotonic milliseconds */
  event(event: TransportEvent, now: number): void {
    if (event.type === 'connected' && event.direction === 'out') this.#refusals.delete(event.peer);
    if (event.type !== 'dialFailed') return;
    const { peer, status, message } = event;
    if (status !== 'DUPLICATE_MEMBER') this.#refusals.delete(peer);
    else this.#refusals.set(peer, { message, since: this.#refusals.get(peer)?.since ?? now });
  }

  /** Whether a peer refuses this process as another one's copy now. */
  get isRefused(): boolean {
    return this.#refusals.size > 0;
  }

  /** Why this process is a copy, null if that is not certain. */
  verdict(links: PeerLinks, now: number): string | null {
    if (links.open.some(({ direction }) => direction === 'in')) return null;
    for (const { message, since } of this.#refusals.values()) if (now - since >= DUPLICATE_MS) return message;
    return null;
  }
}
