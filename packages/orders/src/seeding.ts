/** Puts the seed into the log of a new cluster, part by part, while this replica leads it. */
import { randomBytes } from 'node:crypto';
import { RaftError } from '@trireme/raft';
import { encodeBatch, type SeedPart, type SeedStock } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { seedParts } from '@trireme/state-machine';
import type { Proposer } from './office.js';
import { LogClock } from './rules/log-clock.js';
import type { BookMeta } from './rules/state.js';

/** Wait before a part that was refused for load is tried again, in milliseconds. */
const RETRY_MS = 100;

interface SeedingOptions {
  readonly node: Pick<Proposer, 'propose'>;
  readonly stocks: readonly SeedStock[];
  /** The book's meta record, as far as it was applied. */
  readonly meta: () => BookMeta;
  readonly log: Log;
  /** As the office has them. */
  readonly now: () => number;
  readonly wallClock: () => number;
}

/** Made anew each time that this replica begins to lead a cluster without a seed. */
export class Seeding {
  readonly #o: SeedingOptions;
  readonly #parts: readonly SeedPart[];
  readonly #clock: LogClock;
  /** The part that is on its way; null before the first. */
  #proposed: number | null = null;
  #isOver = false;

  constructor(options: SeedingOptions) {
    this.#o = options;
    this.#parts = seedParts(options.stocks, randomBytes(8).toString('hex'));
    this.#clock = new LogClock(options.meta(), options.now());
    options.log.info({ stocks: options.stocks.length }, 'seeding the new cluster');
    this.advance();
  }

  /** Proposes the next part, once the one before was applied. Called after each apply. */
  advance(): void {
    const { life, seedApplied } = this.#o.meta();
    const next = life === this.#parts[0]?.life ? seedApplied : 0;
    const seed = this.#parts[next];
    if (this.#isOver || seed === undefined || this.#proposed === next) return;
    const times = this.#clock.next(this.#o.now(), this.#o.wallClock());
    try {
      this.#o.node.propose(encodeBatch({ ...times, visibleOrders: 0, commands: [], seed }));
      this.#proposed = next;
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      // Refused for load or during a hand-over, which may yet be given up; losing the lead ends this.
      setTimeout(() => this.advance(), RETRY_MS);
    }
  }

  /** This replica leads no more. */
  stop(): void {
    this.#isOver = true;
  }
}
