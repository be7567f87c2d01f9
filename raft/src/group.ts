/** The driver's part in who is in the group: it tells the transport, and keeps what was promised about changes. */
import { RaftError } from './core/errors.js';
import type { Leadership } from './core/leadership.js';
import type { RaftLog } from './core/log.js';
import { isJoint, isVoter, membersOf } from './core/membership.js';
import type { LogIndex, Membership, MembershipView, NodeId } from './core/types.js';
import type { Transport } from './transport/transport.js';

interface GroupOptions {
  readonly id: NodeId;
  readonly transport: Pick<Transport, 'peers' | 'addPeer' | 'removePeer'>;
  readonly onMembership: (membership: Membership) => void;
}

/** A change that is logged. The next one is taken once it is applied here, before a quorum has to know that. */
interface Pending {
  readonly index: LogIndex;
  /** Who logged it. */
  readonly leadership: Leadership;
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

/** What the log says of the group. */
type GroupLog = Pick<RaftLog, 'applied' | 'memberships'>;

/** As many as a configuration has members. */
const DISMISSED_MAX = 15;

/** Changes that are applied here, and that a quorum does not know of yet; some may be there to undo others. */
const PENDING_MAX = 16;

export class Group {
  readonly #options: GroupOptions;
  #inForce: Membership | null = null;
  #leader: NodeId | null = null;
  /** Everyone to be in touch with, and where. */
  #peers: ReadonlyMap<NodeId, string> = new Map();
  /** Who was a member and is none any more, as far as is known here; at the bound the oldest is forgotten. */
  readonly #dismissed = new Map<NodeId, string>();
  /** Oldest first. */
  #pending: Pending[] = [];

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** @throws RaftError `CHANGE_PENDING` at the bound. */
  checkRoom(): void {
    if (this.#pending.length < PENDING_MAX) return;
    throw new RaftError('CHANGE_PENDING', `${PENDING_MAX} membership changes wait for a quorum to know them`);
  }

  /**
   * Resolves once the change that `leadership` logged at `index` is applied, left again if it was joint, and known to be
   * committed by a quorum of the group that it leads to.
   */
  async settled(index: LogIndex, leadership: Leadership): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ index, leadership, resolve, reject });
    });
  }

  /**
   * Looks which changes under way are done. That it is applied here is not enough: members that do not know it to be
   * committed go by the configuration before, and could not elect anyone without those who have left it. Once a quorum of
   * the new one knows, those may be stopped, whoever fails next.
   *
   * A leader that has removed itself transfers leadership as soon as the change is applied, and hears no more of what others know:
   * it is done then.
   */
  settle({ applied, memberships }: GroupLog, leadership: Leadership | null): void {
    if (this.#pending.length === 0) return;
    const { inForce, inForceIndex } = memberships;
    const isLeft = !isJoint(inForce);
    const isKnown = leadership?.isCommitKnown(inForceIndex) === true;
    const rest: Pending[] = [];
    for (const pending of this.#pending) {
      const isApplied = isLeft && applied >= pending.index;
      const isOver = leadership !== pending.leadership;
      if (isApplied && (isOver ? !isVoter(inForce, this.#options.id) : isKnown)) pending.resolve();
      else if (isOver)
        pending.reject(new RaftError('LEADERSHIP_LOST', 'leadership was lost during the change'));
      else rest.push(pending);
    }
    this.#pending = rest;
  }

  /** Says whom this member follows. */
  ledBy(leader: NodeId | null): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#settlePeers();
  }

  /** To be called before messages are sent: some may be for who is new. */
  admit({ peers }: MembershipView): void {
    const { id, transport } = this.#options;
    for (const [peer, address] of peers) if (peer !== id) transport.addPeer(peer, address);
  }

  /** To be called once messages are sent: the last one for who goes is among them. */
  news({ inForce, peers }: MembershipView): void {
    this.#dismiss(peers);
    if (inForce !== this.#inForce) {
      this.#inForce = inForce;
      this.#options.onMembership(inForce);
    }
    this.#settlePeers();
  }

  /** Changes under way may or may not come about. */
  giveUp(error: RaftError): void {
    for (const { reject } of this.#pending) reject(error);
    this.#pending = [];
  }

  /**
   * No one is dropped while this member is not in the group itself: it is being let in, its log is behind, and whoever
   * supplies it may not be in the configuration that it has come to. So it may be with a member that follows no one, or
   * a leader that it does not know. Whom these have dismissed may be back by now, and lead, and be the only one to tell.
   */
  #settlePeers(): void {
    const { id, transport } = this.#options;
    if (this.#inForce === null) return;
    const isLed = this.#leader === id || (this.#leader !== null && this.#peers.has(this.#leader));
    if (isLed && membersOf(this.#inForce).includes(id)) {
      for (const peer of transport.peers()) if (!this.#peers.has(peer)) transport.removePeer(peer);
    } else for (const [peer, address] of this.#dismissed) transport.addPeer(peer, address);
  }

  /** Notes who is no member any more, and where it was reached. */
  #dismiss(peers: ReadonlyMap<NodeId, string>): void {
    for (const [peer, address] of this.#peers) if (!peers.has(peer)) this.#dismissed.set(peer, address);
    for (const peer of peers.keys()) this.#dismissed.delete(peer);
    for (const oldest of this.#dismissed.keys()) {
      if (this.#dismissed.size <= DISMISSED_MAX) break;
      this.#dismissed.delete(oldest);
    }
    this.#peers = peers;
  }
}
