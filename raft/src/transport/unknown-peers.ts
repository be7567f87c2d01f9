/**
 * Members of the cluster that this member does not know: a leader that was added while this member was down,
 * or the leader of a group that this member is being added to. They have presented the cluster's name and
 * secret, as every member does, and their own URL; so their messages are accepted and answered while their
 * link is open. Safety does not depend on this: in Raft a vote or acknowledgement of a non-member is in no
 * majority.
 *
 * A removed member is refused, because it would start elections for ever. Ids are not reused: a machine that
 * joins again gets a new id, so it is not mistaken for the removed member.
 */
import { ADDRESS_BYTES_MAX } from '../core/membership.js';
import type { NodeId } from '../core/types.js';

/**
 * The bound on unknown peers at a time, as many as a configuration may have members; further ones are
 * refused.
 */
const UNKNOWN_PEERS_MAX = 15;
/** The bound on remembered removed members. The oldest are forgotten; their pre-votes do little harm. */
const REMOVED_MAX = 256;

export class UnknownPeers {
  /** The URL that each of them presented, by id. */
  readonly #urls = new Map<NodeId, string>();
  readonly #removed = new Set<NodeId>();

  /** Whether messages of `peer`, which presented `url`, are accepted. */
  isAccepted(peer: NodeId, url: string | null): url is string {
    if (url === null || this.#removed.has(peer)) return false;
    return this.#urls.has(peer) || this.#urls.size < UNKNOWN_PEERS_MAX;
  }

  add(peer: NodeId, url: string): void {
    this.#urls.set(peer, url);
  }

  /** Removes an unknown peer, because its link closed. @returns whether it was one */
  delete(peer: NodeId): boolean {
    return this.#urls.delete(peer);
  }

  /** Remembers that `peer` was removed from the group. */
  onPeerRemoved(peer: NodeId): void {
    this.#urls.delete(peer);
    this.#removed.add(peer);
    if (this.#removed.size <= REMOVED_MAX) return;
    for (const oldest of this.#removed) {
      this.#removed.delete(oldest);
      return;
    }
  }

  /**
   * Handles that `peer` is a known member now.
   * @returns the URL that it presented while it was unknown, or null
   */
  onPeerAdded(peer: NodeId): string | null {
    const url = this.#urls.get(peer) ?? null;
    this.#urls.delete(peer);
    this.#removed.delete(peer);
    return url;
  }
}

/** The URL in a handshake header; null if it is missing or not a valid http(s) URL. */
export function parsePeerUrl(header: unknown): string | null {
  if (typeof header !== 'string' || header.length > ADDRESS_BYTES_MAX || !URL.canParse(header)) return null;
  return /^https?:$/.test(new URL(header).protocol) ? header : null;
}
