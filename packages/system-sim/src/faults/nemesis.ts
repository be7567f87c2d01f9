/**
 * Draws faults for as long as it is let: several at a time, each for a while. Each run has its own mix of kinds, as some
 * bugs show only where a certain fault is frequent and another one absent (swarm testing, Groce et al. 2012).
 */
import { MS, SECOND, type Micros, type Random } from '@trireme/raft/sim';
import type { World } from '../world.js';
import type { FaultKind, Running } from './fault.js';
import { NETWORK_FAULTS } from './network.js';
import { OPERATORS } from './operators.js';
import { PROCESS_FAULTS } from './process.js';

const KINDS: readonly FaultKind[] = [...NETWORK_FAULTS, ...PROCESS_FAULTS, ...OPERATORS];

/** How a run is troubled. */
interface Mix {
  readonly kinds: readonly FaultKind[];
  readonly atOnceMax: number;
  readonly gapMean: Micros;
  readonly durationMean: Micros;
}

function drawMix(random: Random): Mix {
  const share = random.pick([0.2, 0.4, 0.8]);
  const kinds = KINDS.filter(() => random.chance(share));
  return {
    kinds: kinds.length > 0 ? kinds : KINDS,
    atOnceMax: random.between(1, 4),
    gapMean: random.pick([100, 300, 1_000]) * MS,
    durationMean: random.pick([100, 300, 1_000]) * MS,
  };
}

export class Nemesis {
  readonly #world: World;
  readonly #random: Random;
  readonly #mix: Mix;
  readonly #running = new Set<Running>();
  /** How many faults of each kind were begun. */
  readonly begun: Record<string, number> = {};

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#mix = drawMix(this.#random);
  }

  start(): void {
    const { kinds, atOnceMax, gapMean, durationMean } = this.#mix;
    this.#note(() =>
      [
        `up to ${atOnceMax} at once, one every ${gapMean / MS} ms for ${durationMean / MS} ms:`,
        kinds.map(({ name }) => name).join(', '),
      ].join(' '),
    );
    // The system is whole at first, and begins.
    this.#world.scheduler.after(SECOND / 2, () => this.#next());
  }

  /** Ends every fault, and begins none any more. */
  stop(): void {
    this.#world.areFaultsOver = true;
    for (const fault of [...this.#running]) this.#end(fault);
  }

  #next(): void {
    this.#world.scheduler.after(this.#random.exponential(this.#mix.gapMean), () => {
      if (this.#world.areFaultsOver) return;
      if (this.#running.size < this.#mix.atOnceMax) this.#begin();
      this.#next();
    });
  }

  #begin(): void {
    const { name, begin } = this.#drawKind();
    const fault = begin(this.#world, this.#random);
    if (fault === null) return;
    this.begun[name] = (this.begun[name] ?? 0) + 1;
    this.#running.add(fault);
    this.#note(() => fault.text);
    const duration = Math.min(5 * SECOND, this.#random.exponential(this.#mix.durationMean));
    this.#world.scheduler.after(duration, () => this.#end(fault));
  }

  #end(fault: Running): void {
    if (!this.#running.delete(fault)) return;
    this.#note(() => `over: ${fault.text}`);
    fault.stop();
  }

  #drawKind(): FaultKind {
    const { kinds } = this.#mix;
    let left = this.#random.below(kinds.reduce((sum, { weight }) => sum + weight, 0));
    for (const kind of kinds) {
      left -= kind.weight;
      if (left < 0) return kind;
    }
    return this.#random.pick(kinds);
  }

  #note(text: () => string): void {
    this.#world.trace.note('fault', '', this.#running.size, 0, text);
  }
}
