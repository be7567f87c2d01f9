/** Which links between this member and the others are open, kept from what the transport tells. For people who watch. */

/** What the transport tells, as far as it matters here. */
type PeerLinkEvent =
  | {
      readonly type: 'connected' | 'disconnected';
      readonly peer: string;
      readonly direction: 'in' | 'out';
    }
  | { readonly type: 'refused' | 'dialFailed' | 'dropped' | 'clock' };

/** One entry for each peer that ever had a link, so bounded by who the transport lets in. */
export class PeerLinks {
  /** Open links by peer and direction; more than one for a moment, while a newer takes the place of an older. */
  readonly #open = new Map<string, { in: number; out: number }>();

  event(event: PeerLinkEvent): void {
    if (event.type !== 'connected' && event.type !== 'disconnected') return;
    const counts = this.#open.get(event.peer) ?? { in: 0, out: 0 };
    counts[event.direction] = Math.max(0, counts[event.direction] + (event.type === 'connected' ? 1 : -1));
    this.#open.set(event.peer, counts);
  }

  /** Every link that is open. */
  get open(): readonly { readonly peer: string; readonly direction: 'in' | 'out' }[] {
    return [...this.#open].flatMap(([peer, counts]) =>
      (['in', 'out'] as const)
        .filter((direction) => counts[direction] > 0)
        .map((direction) => ({ peer, direction })),
    );
  }

  /** Whether this member hears `peer`, and can tell it something. */
  of(peer: string): { readonly heard: boolean; readonly told: boolean } {
    const counts = this.#open.get(peer);
    return { heard: (counts?.in ?? 0) > 0, told: (counts?.out ?? 0) > 0 };
  }
}
