/** The front-ends that are linked to this replica, and what each is told: who leads, who is in the group, what became of its orders. */
import { isDeepStrictEqual } from 'node:util';
import type { CatalogWire, FromReplica } from '@trireme/domain';
import type { NodeStatus } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { membersFrame } from './group.js';
import { announcement } from './replica-view.js';
import { answersByLink, type Answer } from './rules/command-queue.js';
import type { MemberAddresses } from './rules/member-addresses.js';

export class Frontends {
  /** Bounded by the sockets that the server takes. */
  readonly #links = new Map<number, Link>();
  readonly #addresses: MemberAddresses;
  #catalogs: readonly CatalogWire[] = [];

  constructor(addresses: MemberAddresses) {
    this.#addresses = addresses;
  }

  get size(): number {
    return this.#links.size;
  }

  /** A link has opened; `status` is null while the node is starting. */
  add(link: Link, status: NodeStatus | null): void {
    this.#links.set(link.id, link);
    send(link, { t: 'catalogs', items: this.#catalogs });
    if (status === null) return;
    send(link, membersFrame(status, this.#addresses));
    send(link, announcement(status));
  }

  delete(link: Link): void {
    this.#links.delete(link.id);
  }

  /** Role, term or leader has changed. */
  announce(status: NodeStatus): void {
    for (const link of this.#links.values()) send(link, announcement(status));
  }

  /** Another configuration is in force. */
  regrouped(status: NodeStatus): void {
    for (const link of this.#links.values()) send(link, membersFrame(status, this.#addresses));
  }

  /** Which catalogs there are, or where, has changed. */
  setCatalogs(items: readonly CatalogWire[]): void {
    if (isDeepStrictEqual(items, this.#catalogs)) return;
    this.#catalogs = items;
    for (const link of this.#links.values()) send(link, { t: 'catalogs', items });
  }

  /** Answers of one turn travel together. */
  answer(answers: readonly Answer[]): void {
    for (const [id, items] of answersByLink(answers)) {
      const link = this.#links.get(id);
      if (link !== undefined) send(link, { t: 'submitted', items });
    }
  }
}

export function send(link: Link, frame: FromReplica): void {
  link.send(frame);
}
