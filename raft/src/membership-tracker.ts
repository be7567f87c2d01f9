/**
 * Membership in the driver: keeps the transport's peers up to date, and resolves the promises of membership
 * changes.
 */
import { RaftError } from './core/errors.js';
import type { LeaderState } from './core/leadership.js';
import type { RaftLog } from './core/log.js';
import { isJoint, isVoter, membersOf } from './core/membership.js';
import type { LogIndex, Membership, MembershipView, NodeId } from './core/types.js';
import type { Transport } from './transport/transport.js';

interface GroupOptions {
  readonly id: NodeId;
  readonly transport: Pick<Transport, 'peers' | 'addPeer' | 'removePeer'>;
  readonly onMembership: (membership: Membership) => void;
}

/**
 * A logged change. The next one is accepted once this one is applied here, even before a quorum knows of it.
 */
interface PendingChange {
  readonly index: LogIndex;
  /** The leadership that logged it. */
  readonly leadership: LeaderState;
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

/** The part of the log that this class reads. */
type GroupLog = Pick<RaftLog, 'applied' | 'memberships'>;

/** The bound on remembered former members: as many as a configuration may have. */
const FORMER_PEERS_MAX = 15;

/** The bound on changes that are applied here but not yet known to a quorum; some of them may undo others. */
const PENDING_MAX = 16;

export class MembershipTracker {
  readonly #options: GroupOptions;
  #inForce: Membership | null = null;
  #leader: NodeId | null = null;
  /** The members of all configurations that matter now, with their addresses. */
  #peers: ReadonlyMap<NodeId, string> = new Map();
  /**
   * Former members as far as this member knows, with their addresses; at the bound the oldest is forgotten.
   */
  readonly #formerPeers = new Map<NodeId, string>();
  /** Oldest first. */
  #pending: PendingChange[] = [];

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** @throws RaftError `CHANGE_PENDING` at the bound. */
  checkCapacity(): void {
    if (this.#pending.length < PENDING_MAX) return;
    const what = `${PENDING_MAX} membership changes are not yet known to a quorum; retry later`;
    throw new RaftError('CHANGE_PENDING', what);
  }

  /**
   * Resolves once the change that `leadership` logged at `index` is applied, any joint configuration is left,
   * and a quorum of the new group knows that the change is committed.
   */
  async waitForChange(index: LogIndex, leadership: LeaderState): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ index, leadership, resolve, reject });
    });
  }

  /**
   * Resolves the pending changes that are done. A change that is applied here is not done yet: members that
   * do not know that it is committed still use the old configuration, and could elect no leader without the
   * removed members. Once a quorum of the new configuration knows it, the removed members may be stopped,
   * whichever member fails next.
   *
   * A leader that removes itself transfers leadership as soon as the change is applied, and gets no more
   * responses from the others: for it the change is done at that point.
   */
  resolveChanges({ applied, memberships }: GroupLog, leadership: LeaderState | null): void {
    if (this.#pending.length === 0) return;
    const { current, currentIndex } = memberships;
    const isLeft = !isJoint(current);
    const isKnown = leadership?.isCommitReportedByQuorum(currentIndex) === true;
    const remaining: PendingChange[] = [];
    for (const pending of this.#pending) {
      const isApplied = isLeft && applied >= pending.index;
      const isOver = leadership !== pending.leadership;
      if (isApplied && (isOver ? !isVoter(current, this.#options.id) : isKnown)) pending.resolve();
      else if (isOver)
        pending.reject(
          new RaftError(
            'LEADERSHIP_LOST',
            'leadership was lost during the membership change; it may still take effect',
          ),
        );
      else remaining.push(pending);
    }
    this.#pending = remaining;
  }

  /** Sets the leader that this member follows. */
  setLeader(leader: NodeId | null): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#updatePeers();
  }

  /** Adds new peers. Called before messages are sent: some may be for a new peer. */
  addPeers({ peers }: MembershipView): void {
    const { id, transport } = this.#options;
    for (const [peer, address] of peers) if (peer !== id) transport.addPeer(peer, address);
  }

  /**
   * Removes former peers. Called after messages are sent: the last message to a removed peer is among them.
   */
  onMembership({ current, peers }: MembershipView): void {
    this.#replacePeers(peers);
    if (current !== this.#inForce) {
      this.#inForce = current;
      this.#options.onMembership(current);
    }
    this.#updatePeers();
  }

  /** Rejects all pending changes: their outcome is unknown. */
  rejectAll(error: RaftError): void {
    for (const { reject } of this.#pending) reject(error);
    this.#pending = [];
  }

  /**
   * Removes former peers from the transport, but only while this member is in the group and follows a known
   * leader. A member that is being added has a lagging log, and its leader may be missing from the
   * configuration that it has reached. The same holds for a member without a leader or with an unknown one: a
   * former peer may have been added again and lead by now, and be the only one that can send the newer
   * configuration.
   */
  #updatePeers(): void {
    const { id, transport } = this.#options;
    if (this.#inForce === null) return;
    const hasKnownLeader = this.#leader === id || (this.#leader !== null && this.#peers.has(this.#leader));
    if (hasKnownLeader && membersOf(this.#inForce).includes(id)) {
      for (const peer of transport.peers()) if (!this.#peers.has(peer)) transport.removePeer(peer);
    } else for (const [peer, address] of this.#formerPeers) transport.addPeer(peer, address);
  }

  /** Replaces the peers, and remembers the removed ones with their addresses. */
  #replacePeers(peers: ReadonlyMap<NodeId, string>): void {
    for (const [peer, address] of this.#peers) if (!peers.has(peer)) this.#formerPeers.set(peer, address);
    for (const peer of peers.keys()) this.#formerPeers.delete(peer);
    for (const oldest of this.#formerPeers.keys()) {
      if (this.#formerPeers.size <= FORMER_PEERS_MAX) break;
      this.#formerPeers.delete(oldest);
    }
    this.#peers = peers;
  }
}
