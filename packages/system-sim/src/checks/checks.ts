/** The checks that run after every event. */
import type { Book, BookMeta, DecidedBatch } from '@trireme/orders/simulation';
import { initialMembership, type Entry, type LogBase, type Message, type RaftNode } from '@trireme/raft';
import { SafetyChecker, QuorumChecker, type ReportViolation } from '@trireme/raft-sim';
import type { SeedStock } from '@trireme/domain';
import type { SimulatedCatalog } from '../hosts/catalog-host.js';
import type { SimulatedReplica } from '../hosts/replica-host.js';
import { DecisionRecord } from './ledger.js';

interface ReplicaGroup {
  readonly members: readonly string[];
  readonly ids: readonly string[];
  readonly replicaOf: (id: string) => SimulatedReplica;
}

export class Checks {
  readonly quorums: QuorumChecker;
  readonly oracle: SafetyChecker;
  readonly ledger: DecisionRecord;
  readonly #violated: ReportViolation;
  /** Applied entries to check once it is known what is committed. */
  #applying: { readonly replica: string; readonly entry: Entry }[] = [];

  constructor(violated: ReportViolation, group: ReplicaGroup, seed: readonly SeedStock[]) {
    this.#violated = violated;
    this.quorums = new QuorumChecker(violated, {
      initial: initialMembership(group.members),
      ids: group.ids,
      diskOf: (id) => group.replicaOf(id).disk,
    });
    this.oracle = new SafetyChecker(violated, this.quorums);
    this.ledger = new DecisionRecord(violated, seed);
  }

  /** Checks a replica after an event. */
  checkReplica(replica: SimulatedReplica): void {
    const { node, name, role, term } = replica;
    if (node !== null && role !== null) {
      const leadsNow = (): number => {
        const now = node.status();
        return now.role === 'leader' ? now.term : 0;
      };
      this.oracle.check({ id: name, role, term, log: node.log, currentLeaderTerm: leadsNow });
    }
    for (const { replica: id, entry } of this.#applying.splice(0)) this.oracle.onApplied(id, entry, 0);
  }

  onStart(replica: SimulatedReplica): void {
    this.oracle.onRestart(replica.name, replica.disk);
  }

  onSend(replica: SimulatedReplica, node: RaftNode, message: Message): void {
    this.oracle.onSend(message, node.log, replica.disk);
  }

  onApplying({ name }: SimulatedReplica, entry: Entry): void {
    this.#applying.push({ replica: name, entry });
  }

  onApplied({ name }: SimulatedReplica, book: Book, decided: readonly DecidedBatch[]): void {
    for (const batch of decided) this.ledger.onBatchDecided(name, batch);
    // Checked only at the first replica that applies the batches, because the others must have equal hashes.
    if (decided.at(-1)?.index !== this.ledger.lastIndex) return;
    for (const { before } of decided) {
      for (const stock of before.keys()) {
        const expected = this.ledger.stockAt(stock, this.ledger.lastIndex);
        const found = book.stocks.get(stock);
        if (found?.quantity === expected?.quantity && found?.price === expected?.price) continue;
        const what = `${name} has ${String(found?.quantity)} of ${stock}, the sum of its orders is ${String(expected?.quantity)}`;
        this.#violated('stocks add up', what);
      }
    }
  }

  onInstalled({ name }: SimulatedReplica, _base: LogBase, { lastIndex, hash }: BookMeta): void {
    this.#checkHash(name, lastIndex, hash);
  }

  /** A catalog handled an event. Its state must equal that of the replicas at the same index. */
  checkCatalog(catalog: SimulatedCatalog): void {
    const { status } = catalog;
    if (status !== null && status.life !== null) this.#checkHash(catalog.name, status.lastIndex, status.hash);
  }

  #checkHash(name: string, index: number, hash: string): void {
    if (index === 0) return;
    const known = this.ledger.hashAt(index);
    if (known === hash) return;
    const what =
      known === undefined ? 'is at an index without a decided batch' : 'has a different state than others';
    this.#violated('equal state', `${name} ${what}: ${index}`);
  }
}
