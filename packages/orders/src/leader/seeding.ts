/**
 * Logs what must precede orders, while this replica leads: the seed of a new cluster, part by part, with its
 * catalog set; and a new life if this replica's data folder is a copy.
 */
import { randomBytes } from 'node:crypto';
import { RaftError } from '@trireme/raft';
import { encodeBatch, type Batch, type SeedPart, type SeedStock } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { splitSeed } from '@trireme/state-machine';
import type { Proposer } from './session.js';
import { LogClock } from '../rules/leader/log-clock.js';
import { isSeeded, type BookMeta } from '../rules/book/state.js';

/** Delay before a part that was refused because of load is retried, in milliseconds. */
const RETRY_MS = 100;

const LIFE_BYTES = 8;

interface SeedingOptions {
  readonly node: Pick<Proposer, 'propose'>;
  readonly stocks: readonly SeedStock[];
  /** Catalog ids of a new cluster. */
  readonly catalogs: readonly string[];
  /** The book's meta record with all applied entries. */
  readonly meta: () => BookMeta;
  /** Whether the life belongs to another folder, of which this one may be a copy. */
  readonly isOfOther: (life: string) => boolean;
  /** Creates a random life: 16 hex digits. */
  readonly newLife: () => string;
  readonly log: Log;
  /** The same clocks as those of the leader session. */
  readonly now: () => number;
  readonly wallClock: () => number;
}

/** One instance per leadership that starts with an incomplete seed or on a copy. */
export class Seeder {
  readonly #options: SeedingOptions;
  readonly #parts: readonly SeedPart[];
  /** The new life, used on a copy. */
  readonly #life: string;
  readonly #clock: LogClock;
  /** The seed part or life proposed last; null before the first. */
  #proposed: SeedPart | string | null = null;
  #isStopped = false;

  constructor(options: SeedingOptions) {
    this.#options = options;
    this.#life = options.newLife();
    this.#parts = splitSeed(options.stocks, options.newLife());
    this.#clock = new LogClock(options.meta(), options.now());
    if (isSeeded(options.meta())) {
      options.log.warn(
        { life: options.meta().life },
        'data folder is a copy; starting a new life of the cluster',
      );
    } else options.log.info({ stocks: options.stocks.length }, 'seeding new cluster');
    this.advance();
  }

  /** Proposes the next entry once the previous one was applied. Call it after each apply. */
  advance(): void {
    const next = this.#next();
    if (this.#isStopped || next === null || next === this.#proposed) return;
    const times = this.#clock.next(this.#options.now(), this.#options.wallClock());
    try {
      this.#options.node.propose(
        encodeBatch({ ...times, visibleOrders: 0, commands: [], ...this.#entryOf(next) }),
      );
      this.#proposed = next;
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      // Refused because of load or a leadership transfer, which may be aborted; lost leadership calls `stop`.
      setTimeout(() => this.advance(), RETRY_MS);
    }
  }

  #entryOf(next: SeedPart | string): Pick<Batch, 'seed' | 'life' | 'catalogs'> {
    if (typeof next === 'string') return { seed: null, life: next };
    // An operator may have chosen the set that is already in the log.
    const hasSet = next.part > 0 || this.#options.meta().catalogsIndex > 0;
    return { seed: next, catalogs: hasSet ? undefined : this.#options.catalogs };
  }

  #next(): SeedPart | string | null {
    const meta = this.#options.meta();
    if (isSeeded(meta)) return this.#options.isOfOther(meta.life) ? this.#life : null;
    return this.#parts[meta.life === this.#parts[0]?.life ? meta.seedApplied : 0] ?? null;
  }

  /** This replica no longer leads. */
  stop(): void {
    this.#isStopped = true;
  }
}

export function newClusterLife(): string {
  return randomBytes(LIFE_BYTES).toString('hex');
}
