/** What must hold at any time, looked at after every event. */
import type { Book, BookMeta, DecidedBatch } from '@trireme/orders/simulation';
import type { Entry, LogBase, Message, RaftNode } from '@trireme/raft';
import { Oracle, Quorums, type Violated } from '@trireme/raft/sim';
import { initialMembership } from '@trireme/raft';
import type { SeedStock } from '@trireme/domain';
import type { CatalogHost } from '../hosts/catalog-host.js';
import type { ReplicaHost } from '../hosts/replica-host.js';
import { Ledger } from './ledger.js';

interface Group {
  readonly members: readonly string[];
  readonly ids: readonly string[];
  readonly replicaOf: (id: string) => ReplicaHost;
}

export class Checks {
  readonly quorums: Quorums;
  readonly oracle: Oracle;
  readonly ledger: Ledger;
  readonly #violated: Violated;
  /** To be checked once what is committed is known. */
  #applying: (readonly [string, Entry])[] = [];

  constructor(violated: Violated, group: Group, seed: readonly SeedStock[]) {
    this.#violated = violated;
    this.quorums = new Quorums(violated, {
      initial: initialMembership(group.members),
      ids: group.ids,
      diskOf: (id) => group.replicaOf(id).disk,
    });
    this.oracle = new Oracle(violated, this.quorums);
    this.ledger = new Ledger(violated, seed);
  }

  /** Something happened to a replica. */
  look(replica: ReplicaHost): void {
    const { node, name, role, term } = replica;
    if (node !== null && role !== null) {
      const leadsNow = (): number => {
        const now = node.status();
        return now.role === 'leader' ? now.term : 0;
      };
      this.oracle.look({ id: name, role, term, log: node.log, leadsNow });
    }
    for (const [id, entry] of this.#applying.splice(0)) this.oracle.applied(id, entry, 0);
  }

  started(replica: ReplicaHost): void {
    this.oracle.restarted(replica.name, replica.disk);
  }

  sent(replica: ReplicaHost, node: RaftNode, message: Message): void {
    this.oracle.sent(message, node.log, replica.disk);
  }

  applying({ name }: ReplicaHost, entry: Entry): void {
    this.#applying.push([name, entry]);
  }

  applied({ name }: ReplicaHost, book: Book, decided: readonly DecidedBatch[]): void {
    for (const batch of decided) this.ledger.decided(name, batch);
    // Rule 8, at the first replica that decides them; the others have equal hashes.
    if (decided.at(-1)?.index !== this.ledger.last) return;
    for (const { before } of decided) {
      for (const stock of before.keys()) {
        const expected = this.ledger.stockAt(stock, this.ledger.last);
        const found = book.stocks.get(stock);
        if (found?.quantity === expected?.quantity && found?.price === expected?.price) continue;
        const what = `${name} has ${String(found?.quantity)} of ${stock}, the orders make ${String(expected?.quantity)}`;
        this.#violated('sums of stocks', what);
      }
    }
  }

  installed({ name }: ReplicaHost, _base: LogBase, { lastIndex, hash }: BookMeta): void {
    this.#checkHash(name, lastIndex, hash);
  }

  /** A catalog did something: what it has applied is what the replicas have. */
  catalogActed(catalog: CatalogHost): void {
    const { status } = catalog;
    if (status !== null && status.life !== null) this.#checkHash(catalog.name, status.lastIndex, status.hash);
  }

  #checkHash(name: string, index: number, hash: string): void {
    if (index === 0) return;
    const known = this.ledger.hashAt(index);
    if (known === hash) return;
    const what = known === undefined ? 'a place where no batch was decided' : `another state`;
    this.#violated('equal state', `${name} has ${what} at ${index}`);
  }
}
