/**
 * Members of the cluster that this one does not know: a leader that was let in while this member was down, or whoever
 * supplies one that is being let in itself and knows no one. They have shown the cluster's name and secret, which is all
 * that any member shows, and said where they are reached; so they are heard, and answered, for as long as their link
 * lasts. What they say counts by the rules of Raft alone: a stranger's vote or acknowledgement is in no majority.
 *
 * A member that was removed is not welcome: it would ask for elections for ever. Ids are not given out twice, so a member that has
 * missed something refuses no one who has come back.
 */
import { ADDRESS_BYTES_MAX } from '../core/membership.js';
import type { NodeId } from '../core/types.js';

/** At once; further ones are refused. As many as a configuration has members. */
const UNKNOWN_PEERS_MAX = 15;
/** Removed members that are remembered; the oldest are forgotten, and disturb as little as their pre-votes do. */
const REMOVED_MAX = 256;

export class UnknownPeers {
  /** By id, with the url at which each says that it is reached. */
  readonly #urls = new Map<NodeId, string>();
  readonly #removed = new Set<NodeId>();

  /** Whether `peer`, which says that it is reached at `url`, may be heard. */
  isWelcome(peer: NodeId, url: string | null): url is string {
    if (url === null || this.#removed.has(peer)) return false;
    return this.#urls.has(peer) || this.#urls.size < UNKNOWN_PEERS_MAX;
  }

  add(peer: NodeId, url: string): void {
    this.#urls.set(peer, url);
  }

  /** `peer` is none any more: it has left, or is known now. Returns whether it was one. */
  delete(peer: NodeId): boolean {
    return this.#urls.delete(peer);
  }

  /** `peer` was removed from the group. */
  removed(peer: NodeId): void {
    this.#urls.delete(peer);
    this.#removed.add(peer);
    if (this.#removed.size <= REMOVED_MAX) return;
    for (const oldest of this.#removed) {
      this.#removed.delete(oldest);
      return;
    }
  }

  /** `peer` is a member. Returns where it said that it is reached, if it was unknown until now. */
  known(peer: NodeId): string | null {
    const url = this.#urls.get(peer) ?? null;
    this.#urls.delete(peer);
    this.#removed.delete(peer);
    return url;
  }
}

/** The url in a handshake's header; null if there is none that could be dialed. */
export function unknownPeerUrl(header: unknown): string | null {
  if (typeof header !== 'string' || header.length > ADDRESS_BYTES_MAX || !URL.canParse(header)) return null;
  return /^https?:$/.test(new URL(header).protocol) ? header : null;
}
