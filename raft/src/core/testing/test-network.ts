/** Members and the messages between them, delivered in order, except on cut links and for filtered messages. */
import { invariant } from '../errors.js';
import type { Message, NodeId } from '../types.js';
import { ELECTION_TICKS, TestMember, type TestMemberOptions } from './test-member.js';

/** More deliveries than any scenario needs: beyond it, members exchange messages for ever. */
const DELIVERIES_MAX = 100_000;

export class TestNetwork {
  readonly #members = new Map<NodeId, TestMember>();
  readonly #cut = new Set<string>();
  /** Filters the messages to deliver; by default all. */
  filter: (message: Message) => boolean = () => true;

  constructor(members: readonly TestMember[]) {
    for (const member of members) this.#members.set(member.id, member);
  }

  get members(): readonly TestMember[] {
    return [...this.#members.values()];
  }

  member(id: NodeId): TestMember {
    const member = this.#members.get(id);
    invariant(member !== undefined, `unknown member: ${id}`);
    return member;
  }

  /** Cuts the link from `from` to `to`, in this direction only. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from} ${to}`);
  }

  /** Cuts all links of `id`, in both directions. */
  isolate(id: NodeId): void {
    for (const other of this.#members.keys()) {
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cut.clear();
    this.filter = () => true;
  }

  /** Delivers messages until there are none. */
  deliverAll(): void {
    for (let delivered = 0; delivered < DELIVERIES_MAX;) {
      const messages = this.members.flatMap((member) => member.takeSent());
      if (messages.length === 0) return;
      for (const message of messages) {
        delivered += 1;
        if (this.#cut.has(`${message.from} ${message.to}`) || !this.filter(message)) continue;
        this.member(message.to).step(message);
      }
    }
    invariant(false, `members still send messages after ${DELIVERIES_MAX} deliveries`);
  }

  /** Advances time by `times` ticks for all members, or for `ids`, and delivers the messages after each tick. */
  tick(times = 1, ids: readonly NodeId[] = [...this.#members.keys()]): void {
    for (let count = 0; count < times; count += 1) {
      for (const id of ids) this.member(id).tick();
      this.deliverAll();
    }
  }

  /** Lets `id` win an election now. */
  elect(id: NodeId): TestMember {
    const member = this.member(id);
    // Members with a recent leader would reject it: let the shortest timeout pass, but not so long that others
    // campaign.
    const followers = this.members.filter(({ core }) => core.role === 'follower');
    for (const follower of followers)
      for (let tick = 0; tick < ELECTION_TICKS; tick += 1) follower.core.tick();
    member.core.campaign();
    member.handleReady();
    this.deliverAll();
    invariant(member.core.role === 'leader', `${id} is ${member.core.role}, not the leader`);
    return member;
  }
}

/** A network of members `ids`. @param of the options of each member */
export function makeNetwork(
  ids: readonly NodeId[],
  of: (id: NodeId) => TestMemberOptions = () => ({}),
): TestNetwork {
  // Different timeouts, so that members do not campaign in the same tick again and again.
  const draw = (position: number): number => 0.3 + (0.6 * position) / ids.length;
  return new TestNetwork(
    ids.map((id, position) => new TestMember({ members: ids, random: () => draw(position), ...of(id), id })),
  );
}
