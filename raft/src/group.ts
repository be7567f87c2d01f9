/** The driver's part in who is in the group: it tells the transport, and keeps what was promised about changes. */
import { RaftError } from './core/errors.js';
import type { Leadership } from './core/leadership.js';
import { isJoint, membersOf } from './core/membership.js';
import type { LogIndex, Membership, MembershipView, NodeId } from './core/types.js';
import type { Transport } from './transport/transport.js';

interface GroupOptions {
  readonly id: NodeId;
  readonly transport: Pick<Transport, 'peers' | 'addPeer' | 'removePeer'>;
  readonly onMembership: (membership: Membership) => void;
}

/** A change that is logged; there is one at a time, as the core takes no other. */
interface Pending {
  readonly index: LogIndex;
  /** Who logged it. */
  readonly leadership: Leadership | null;
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

export class Group {
  readonly #options: GroupOptions;
  #inForce: Membership | null = null;
  #pending: Pending | null = null;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** Resolves once the change that `leadership` logged at `index` is applied and, if it was joint, left again. */
  async settled(index: LogIndex, leadership: Leadership | null): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending = { index, leadership, resolve, reject };
    });
  }

  /** Says which leadership this member has now; a change that an earlier one logged is out of its hands. */
  ledBy(leadership: Leadership | null): void {
    if (this.#pending === null || this.#pending.leadership === leadership) return;
    this.giveUp(new RaftError('LEADERSHIP_LOST', 'leadership was lost during the change'));
  }

  /** To be called before messages are sent: some may be for who is new. */
  admit({ peers }: MembershipView): void {
    const { id, transport } = this.#options;
    for (const [peer, address] of peers) if (peer !== id) transport.addPeer(peer, address);
  }

  /** To be called once messages are sent: the last one for who goes is among them. Up to `applied` all is applied. */
  news({ inForce, peers }: MembershipView, applied: LogIndex): void {
    this.#dismiss(inForce, peers);
    if (inForce !== this.#inForce) {
      this.#inForce = inForce;
      this.#options.onMembership(inForce);
    }
    if (this.#pending === null || applied < this.#pending.index || isJoint(inForce)) return;
    this.#pending.resolve();
    this.#pending = null;
  }

  /** The change under way may or may not come about. */
  giveUp(error: RaftError): void {
    this.#pending?.reject(error);
    this.#pending = null;
  }

  /**
   * No one is dropped while this member is not in the group itself: it is being let in, its log is behind, and whoever
   * supplies it may not be in the configuration that it has come to.
   */
  #dismiss(inForce: Membership, peers: ReadonlyMap<NodeId, string>): void {
    const { id, transport } = this.#options;
    if (!membersOf(inForce).includes(id)) return;
    for (const peer of transport.peers()) if (!peers.has(peer)) transport.removePeer(peer);
  }
}
