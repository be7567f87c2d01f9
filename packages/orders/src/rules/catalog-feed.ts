/**
 * What a leader tells the catalog, and what it learns from it: every batch in log order, and how far no front-end can show
 * anything older any more. Made anew each time that this replica begins to lead.
 *
 *     unlinked -> asking ("how far are you?") -> confirming (do I still lead?) -> following
 */
import { FormatError, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { Fifo } from './fifo.js';
import type { DecidedBatch } from './state.js';

/** Entries that are sent and not revoked yet, at most: what comes meanwhile waits here. */
const IN_FLIGHT_MAX = 64;
/** Their bytes; one that is larger goes alone. */
const IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024;

type FeedPhase = 'unlinked' | 'asking' | 'confirming' | 'following';

/** What the adapter has to do, in this order. */
export type FeedAction =
  | { readonly do: 'send'; readonly frame: LeaderToCatalog }
  /** Send the stock table as it is now, with everything that was handed in. */
  | { readonly do: 'sendSnapshot' }
  /** Have a majority confirm that this replica leads, then call `confirmed` with the round. */
  | { readonly do: 'confirm'; readonly round: number }
  /** Everything up to log index `index` is revoked. */
  | { readonly do: 'revoked'; readonly index: number };

/** A place in the log, and the running hash up to there. */
type LogPlace = Pick<DecidedBatch, 'index' | 'hash'>;

export class CatalogFeed {
  #phase: FeedPhase = 'unlinked';
  /** Decided and not known to be revoked, in log order; the first `#sent` of them are on their way. Bounded by the desk. */
  readonly #batches = new Fifo<DecidedBatch>();
  #sent = 0;
  #sentBytes = 0;
  /** The last batch before `#batches`. */
  #behind: LogPlace;
  /** The last batch that was handed in. */
  #last: LogPlace;
  /** How far the catalog was sent everything on this link. */
  #sentIndex = 0;
  /** Where the catalog says it is. */
  #catalog: LogPlace;
  #round = 0;

  /** @param last the last batch that earlier leaders logged; index 0 if there is none */
  constructor(last: LogPlace) {
    this.#behind = last;
    this.#last = last;
    this.#catalog = last;
  }

  get phase(): FeedPhase {
    return this.#phase;
  }

  /** The next batch was decided. */
  decided(batch: DecidedBatch): readonly FeedAction[] {
    this.#last = batch;
    this.#batches.push(batch);
    return this.#phase === 'following' ? this.#sendMore() : [];
  }

  linkOpened(): readonly FeedAction[] {
    this.#phase = 'asking';
    return [{ do: 'send', frame: { t: 'begin' } }];
  }

  linkClosed(): void {
    this.#phase = 'unlinked';
  }

  /**
   * Takes a frame from the catalog on the link that is open.
   * @throws FormatError if it answers what was not asked: the link is to be closed.
   */
  received(frame: CatalogToLeader): readonly FeedAction[] {
    switch (frame.t) {
      case 'standing':
        if (this.#phase !== 'asking') return [];
        this.#phase = 'confirming';
        this.#catalog = { index: frame.lastIndex, hash: frame.hash };
        // A confirmation that was asked for before the catalog said how far it is proves nothing about it.
        this.#round += 1;
        return [{ do: 'confirm', round: this.#round }];
      case 'revoked':
        if (this.#phase !== 'following') return [];
        if (frame.index > this.#sentIndex)
          throw new FormatError(`revoked up to ${frame.index}, and ${this.#sentIndex} was sent`);
        return [...this.#revoked(frame.index), ...this.#sendMore()];
      case 'refused':
        // Another leader has led the catalog on. Whatever else was in flight is refused as well, and that has been heard already.
        return this.#phase === 'following' ? this.linkOpened() : [];
    }
  }

  /**
   * A majority has confirmed the round. Until then another leader may have told clients of more than this replica knows; now
   * everything that any client was told is of a batch that was handed in.
   */
  confirmed(round: number): readonly FeedAction[] {
    if (this.#phase !== 'confirming' || round !== this.#round) return [];
    this.#phase = 'following';
    this.#sent = 0;
    this.#sentBytes = 0;
    const attach: FeedAction = { do: 'send', frame: { t: 'attach', upTo: this.#last.index } };
    if (!this.#goesOnFrom(this.#catalog)) {
      // It holds all of these; should the link break before it has arrived, the next one sends it again.
      this.#batches.takeAll();
      this.#behind = this.#last;
      this.#sentIndex = this.#last.index;
      return [{ do: 'sendSnapshot' }, attach];
    }
    this.#sentIndex = this.#catalog.index;
    return [attach, ...this.#revoked(this.#catalog.index), ...this.#sendMore()];
  }

  /**
   * Whether every batch after this place is here. Index 0 is a catalog that has nothing, not even the seed; one that is at no
   * place of this log has followed another one, as where all replicas were restored from a copy.
   */
  #goesOnFrom({ index, hash }: LogPlace): boolean {
    if (index === 0) return false;
    const here =
      index === this.#behind.index ? this.#behind : this.#batches.all.find((batch) => batch.index === index);
    return here?.hash === hash;
  }

  #revoked(index: number): readonly FeedAction[] {
    for (
      let first = this.#batches.first;
      first !== undefined && first.index <= index;
      first = this.#batches.first
    ) {
      this.#batches.shift();
      this.#behind = first;
      if (this.#sent === 0) continue;
      this.#sent -= 1;
      this.#sentBytes -= first.bytes.byteLength;
    }
    return [{ do: 'revoked', index }];
  }

  #sendMore(): readonly FeedAction[] {
    const actions: FeedAction[] = [];
    while (this.#hasRoom) {
      const next = this.#batches.at(this.#sent);
      if (next === undefined) break;
      const { index, prev, skip, hash, bytes } = next;
      this.#sent += 1;
      this.#sentBytes += bytes.byteLength;
      this.#sentIndex = index;
      actions.push({ do: 'send', frame: { t: 'entry', index, prev, skip, hash, batch: bytes } });
    }
    return actions;
  }

  get #hasRoom(): boolean {
    return this.#sent === 0 || (this.#sent < IN_FLIGHT_MAX && this.#sentBytes < IN_FLIGHT_BYTES_MAX);
  }
}
