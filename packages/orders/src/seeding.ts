/**
 * Puts into the log what has to be there before orders, while this replica leads: the seed of a new cluster, part by part, with
 * its set of catalogs, and a new life where this replica's folder is a copy.
 */
import { randomBytes } from 'node:crypto';
import { RaftError } from '@trireme/raft';
import { encodeBatch, type Batch, type SeedPart, type SeedStock } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { seedParts } from '@trireme/state-machine';
import type { Proposer } from './leader-session.js';
import { LogClock } from './rules/log-clock.js';
import { isSeeded, type BookMeta } from './rules/state.js';

/** Wait before a part that was refused for load is tried again, in milliseconds. */
const RETRY_MS = 100;

const LIFE_BYTES = 8;

interface SeedingOptions {
  readonly node: Pick<Proposer, 'propose'>;
  readonly stocks: readonly SeedStock[];
  /** Ids of the catalogs that a new cluster begins with. */
  readonly catalogs: readonly string[];
  /** The book's meta record, as far as it was applied. */
  readonly meta: () => BookMeta;
  /** Whether another folder, which this one may be a copy of, had this life. */
  readonly isOfOther: (life: string) => boolean;
  /** Makes a random life: 16 hex digits. */
  readonly newLife: () => string;
  readonly log: Log;
  /** As the session has them. */
  readonly now: () => number;
  readonly wallClock: () => number;
}

/** Made anew each time that this replica begins to lead and something is missing. */
export class Seeding {
  readonly #o: SeedingOptions;
  readonly #parts: readonly SeedPart[];
  /** For a copy. */
  readonly #life: string;
  readonly #clock: LogClock;
  /** The part of the seed, or the life, that was proposed last; null before the first. */
  #proposed: SeedPart | string | null = null;
  #isOver = false;

  constructor(options: SeedingOptions) {
    this.#o = options;
    this.#life = options.newLife();
    this.#parts = seedParts(options.stocks, options.newLife());
    this.#clock = new LogClock(options.meta(), options.now());
    if (isSeeded(options.meta())) {
      options.log.warn(
        { life: options.meta().life },
        'the data folder is not the one that this was recorded in: as a copy of the cluster it begins a new life',
      );
    } else options.log.info({ stocks: options.stocks.length }, 'seeding the new cluster');
    this.advance();
  }

  /** Proposes the next entry, once the one before was applied. Called after each apply. */
  advance(): void {
    const next = this.#next();
    if (this.#isOver || next === null || next === this.#proposed) return;
    const times = this.#clock.next(this.#o.now(), this.#o.wallClock());
    try {
      this.#o.node.propose(encodeBatch({ ...times, visibleOrders: 0, commands: [], ...this.#entryOf(next) }));
      this.#proposed = next;
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      // Refused for load or during a leadership transfer, which may yet be given up; losing the lead ends this.
      setTimeout(() => this.advance(), RETRY_MS);
    }
  }

  #entryOf(next: SeedPart | string): Pick<Batch, 'seed' | 'life' | 'catalogs'> {
    if (typeof next === 'string') return { seed: null, life: next };
    // A set that is in the log already may be one that an operator chose.
    const isNamed = next.part > 0 || this.#o.meta().catalogsIndex > 0;
    return isNamed ? { seed: next } : { seed: next, catalogs: this.#o.catalogs };
  }

  #next(): SeedPart | string | null {
    const meta = this.#o.meta();
    if (isSeeded(meta)) return this.#o.isOfOther(meta.life) ? this.#life : null;
    return this.#parts[meta.life === this.#parts[0]?.life ? meta.seedApplied : 0] ?? null;
  }

  /** This replica leads no more. */
  stop(): void {
    this.#isOver = true;
  }
}

export function newLife(): string {
  return randomBytes(LIFE_BYTES).toString('hex');
}
