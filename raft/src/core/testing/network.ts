/** Members and the messages between them, delivered in order unless a link is cut or a message is filtered out. */
import { invariant } from '../errors.js';
import type { Message, NodeId } from '../types.js';
import { ELECTION_TICKS, Member, type MemberOptions } from './member.js';

/** More deliveries than any scenario needs: beyond it members talk in circles. */
const DELIVERIES_MAX = 100_000;

export class Network {
  readonly #members = new Map<NodeId, Member>();
  readonly #cut = new Set<string>();
  /** Says which messages get through; all unless set. */
  passes: (message: Message) => boolean = () => true;

  constructor(members: readonly Member[]) {
    for (const member of members) this.#members.set(member.id, member);
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  member(id: NodeId): Member {
    const member = this.#members.get(id);
    invariant(member !== undefined, `no member ${id}`);
    return member;
  }

  /** Cuts the link from `from` to `to`, one way. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from} ${to}`);
  }

  /** Cuts `id` off from all others, both ways. */
  isolate(id: NodeId): void {
    for (const other of this.#members.keys()) {
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cut.clear();
    this.passes = () => true;
  }

  /** Delivers until no one has anything to say. */
  settle(): void {
    for (let delivered = 0; delivered < DELIVERIES_MAX;) {
      const messages = this.members.flatMap((member) => member.take());
      if (messages.length === 0) return;
      for (const message of messages) {
        delivered += 1;
        if (this.#cut.has(`${message.from} ${message.to}`) || !this.passes(message)) continue;
        this.member(message.to).step(message);
      }
    }
    invariant(false, 'the members talk in circles');
  }

  /** One unit of time for all, or for those named. */
  tick(times = 1, ids: readonly NodeId[] = [...this.#members.keys()]): void {
    for (let count = 0; count < times; count += 1) {
      for (const id of ids) this.member(id).tick();
      this.settle();
    }
  }

  /** Has `id` win an election now. */
  elect(id: NodeId): Member {
    const member = this.member(id);
    // Who heard from a leader lately refuses: let that time pass, but not so long that anyone campaigns by itself.
    const followers = this.members.filter(({ core }) => core.role === 'follower');
    for (const follower of followers)
      for (let tick = 0; tick < ELECTION_TICKS; tick += 1) follower.core.tick();
    member.core.campaign();
    member.work();
    this.settle();
    invariant(member.core.role === 'leader', `${id} is ${member.core.role}, not leader`);
    return member;
  }
}

/** A cluster of members that differ in what `of` says of each. */
export function networkOf(ids: readonly NodeId[], of: (id: NodeId) => MemberOptions = () => ({})): Network {
  // Timeouts spread out, so that no two members campaign in the same tick for ever.
  const draw = (place: number): number => 0.3 + (0.6 * place) / ids.length;
  return new Network(
    ids.map((id, place) => new Member({ members: ids, random: () => draw(place), ...of(id), id })),
  );
}
