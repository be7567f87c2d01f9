/** The open links between this member and the others, as reported by the transport; for monitoring. */

/** The events of the transport, as far as they matter here. */
type PeerLinkEvent =
  | {
      readonly type: 'connected';
      readonly peer: string;
      readonly direction: 'in' | 'out';
      readonly version: number;
    }
  | { readonly type: 'disconnected'; readonly peer: string; readonly direction: 'in' | 'out' }
  | { readonly type: 'refused' | 'dialFailed' | 'dropped' | 'clock' };

/** Has one entry per peer that ever had a link, so it is bounded by the peers that the transport accepts. */
export class PeerLinks {
  /** Number of open links by peer and direction; two for a moment while a new link replaces an old one. */
  readonly #open = new Map<string, { in: number; out: number }>();
  /** The version of the last link to each peer. */
  readonly #versions = new Map<string, number>();

  onEvent(event: PeerLinkEvent): void {
    if (event.type !== 'connected' && event.type !== 'disconnected') return;
    const counts = this.#open.get(event.peer) ?? { in: 0, out: 0 };
    counts[event.direction] = Math.max(0, counts[event.direction] + (event.type === 'connected' ? 1 : -1));
    this.#open.set(event.peer, counts);
    if (event.type === 'connected' && event.direction === 'out')
      this.#versions.set(event.peer, event.version);
  }

  /** All open links. */
  get open(): readonly { readonly peer: string; readonly direction: 'in' | 'out' }[] {
    return [...this.#open].flatMap(([peer, counts]) =>
      (['in', 'out'] as const)
        .filter((direction) => counts[direction] > 0)
        .map((direction) => ({ peer, direction })),
    );
  }

  /** The version of the protocol that the open link to `peer` speaks; null while none is open. */
  versionOf(peer: string): number | null {
    return this.stateOf(peer).outbound ? (this.#versions.get(peer) ?? null) : null;
  }

  /** Whether a link is open on which this member receives from `peer`, and one on which it sends to it. */
  stateOf(peer: string): { readonly inbound: boolean; readonly outbound: boolean } {
    const counts = this.#open.get(peer);
    return { inbound: (counts?.in ?? 0) > 0, outbound: (counts?.out ?? 0) > 0 };
  }
}
