/**
 * The linked front-ends. Notifies them of the leader, the members, the catalogs and the results of their
 * orders.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CatalogWire, ReplicaToFrontend } from '@trireme/domain';
import type { NodeStatus } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { membersFrame } from '../group/group-routes.js';
import { leaderFrame } from './status.js';
import { groupResultsByLink, type SubmitAnswer } from '../rules/leader/command-queue.js';
import type { MemberAddresses } from '../rules/group/member-addresses.js';

export class FrontendLinks {
  /** Bounded by the number of sockets that the server accepts. */
  readonly #links = new Map<number, Link>();
  readonly #addresses: MemberAddresses;
  #catalogs: readonly CatalogWire[] = [];

  constructor(addresses: MemberAddresses) {
    this.#addresses = addresses;
  }

  get size(): number {
    return this.#links.size;
  }

  /** A link opened; `status` is null while the node is starting. */
  add(link: Link, status: NodeStatus | null): void {
    this.#links.set(link.id, link);
    sendToFrontend(link, { t: 'catalogs', items: this.#catalogs });
    if (status === null) return;
    sendToFrontend(link, membersFrame(status, this.#addresses));
    sendToFrontend(link, leaderFrame(status));
  }

  delete(link: Link): void {
    this.#links.delete(link.id);
  }

  /** The role, term or leader changed. */
  announceLeader(status: NodeStatus): void {
    for (const link of this.#links.values()) sendToFrontend(link, leaderFrame(status));
  }

  /** Another group configuration took effect. */
  announceMembers(status: NodeStatus): void {
    for (const link of this.#links.values()) sendToFrontend(link, membersFrame(status, this.#addresses));
  }

  /** The set of catalogs, or the URL of one, changed. */
  setCatalogs(items: readonly CatalogWire[]): void {
    if (isDeepStrictEqual(items, this.#catalogs)) return;
    this.#catalogs = items;
    for (const link of this.#links.values()) sendToFrontend(link, { t: 'catalogs', items });
  }

  /** Sends the answers, in one frame per link. */
  sendAnswers(answers: readonly SubmitAnswer[]): void {
    for (const [id, items] of groupResultsByLink(answers)) {
      const link = this.#links.get(id);
      if (link !== undefined) sendToFrontend(link, { t: 'submitted', items });
    }
  }
}

export function sendToFrontend(link: Link, frame: ReplicaToFrontend): void {
  link.send(frame);
}
