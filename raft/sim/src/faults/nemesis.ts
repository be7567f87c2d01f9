/**
 * Draws faults for as long as it is let: several at a time, each for a while. Each run has its own mix of kinds, as some
 * bugs show only where a certain fault is frequent and another one absent (swarm testing, Groce et al. 2012).
 */
import type { Random } from '../engine/random.js';
import { MS, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';

/** A fault that goes on until it is stopped. */
export interface Running {
  readonly text: string;
  stop(): void;
}

/** A kind of fault of some world. */
export interface KindOf<World> {
  readonly name: string;
  /** How often it is drawn, in relation to others. */
  readonly weight: number;
  /** Begins it somewhere that `random` decides; null if there is nothing to break now. */
  readonly begin: (world: World, random: Random) => Running | null;
}

/** How a run is troubled. */
export interface Mix<World> {
  readonly kinds: readonly KindOf<World>[];
  readonly atOnceMax: number;
  readonly gapMean: Micros;
  readonly durationMean: Micros;
  readonly durationMax: Micros;
}

/** What is needed of a world, whatever is in it. */
interface Troubled {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  areFaultsOver: boolean;
}

export class Nemesis<World extends Troubled> {
  readonly #world: World;
  readonly #random: Random;
  readonly #mix: Mix<World>;
  readonly #running = new Set<Running>();
  /** How many faults of each kind were begun. */
  readonly begun: Record<string, number> = {};

  constructor(world: World, random: Random, mix: Mix<World>) {
    this.#world = world;
    this.#random = random;
    this.#mix = mix;
  }

  start(): void {
    const { kinds, atOnceMax, gapMean, durationMean } = this.#mix;
    this.#note(() =>
      [
        `up to ${atOnceMax} at once, one every ${gapMean / MS} ms for ${durationMean / MS} ms:`,
        kinds.map(({ name }) => name).join(', '),
      ].join(' '),
    );
    this.#next();
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
    const duration = Math.min(this.#mix.durationMax, this.#random.exponential(this.#mix.durationMean));
    this.#world.scheduler.after(duration, () => this.#end(fault));
  }

  #end(fault: Running): void {
    if (!this.#running.delete(fault)) return;
    this.#note(() => `over: ${fault.text}`);
    fault.stop();
  }

  #drawKind(): KindOf<World> {
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

/** Several undos as one. */
export function all(undos: readonly (() => void)[]): () => void {
  return () => {
    for (const undo of undos) undo();
  };
}

/** A fault that is over at once. */
export function instant(text: string): Running {
  return { text, stop: () => undefined };
}
