/**
 * Injects random faults until it is stopped: several at a time, each for a while. Each run has its own mix of
 * kinds, because some bugs appear only if a certain fault is frequent and another one is absent (swarm testing,
 * Groce et al. 2012).
 */
import type { Random } from '../engine/random.js';
import { MS, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';

/** A fault that lasts until it is stopped. */
export interface ActiveFault {
  readonly text: string;
  stop(): void;
}

/** A kind of fault of a simulation. */
export interface FaultKindOf<World> {
  readonly name: string;
  /** Relative frequency. */
  readonly weight: number;
  /** Starts the fault at a target that `random` picks. Returns null if there is no target now. */
  readonly begin: (simulation: World, random: Random) => ActiveFault | null;
}

/** The mix of faults of a run. */
export interface FaultMix<World> {
  readonly kinds: readonly FaultKindOf<World>[];
  readonly atOnceMax: number;
  readonly gapMean: Micros;
  readonly durationMean: Micros;
  readonly durationMax: Micros;
}

/** What the nemesis needs of a simulation. */
interface FaultTarget {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  isLivenessPhase: boolean;
}

export class Nemesis<World extends FaultTarget> {
  readonly #simulation: World;
  readonly #random: Random;
  readonly #mix: FaultMix<World>;
  readonly #running = new Set<ActiveFault>();
  /** Number of faults that were started, by kind. */
  readonly faultCounts: Record<string, number> = {};

  constructor(simulation: World, random: Random, mix: FaultMix<World>) {
    this.#simulation = simulation;
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

  /** Ends all faults, and starts no further ones. */
  stop(): void {
    this.#simulation.isLivenessPhase = true;
    for (const fault of [...this.#running]) this.#end(fault);
  }

  #next(): void {
    this.#simulation.scheduler.after(this.#random.exponential(this.#mix.gapMean), () => {
      if (this.#simulation.isLivenessPhase) return;
      if (this.#running.size < this.#mix.atOnceMax) this.#begin();
      this.#next();
    });
  }

  #begin(): void {
    const { name, begin } = this.#drawKind();
    const fault = begin(this.#simulation, this.#random);
    if (fault === null) return;
    this.faultCounts[name] = (this.faultCounts[name] ?? 0) + 1;
    this.#running.add(fault);
    this.#note(() => fault.text);
    const duration = Math.min(this.#mix.durationMax, this.#random.exponential(this.#mix.durationMean));
    this.#simulation.scheduler.after(duration, () => this.#end(fault));
  }

  #end(fault: ActiveFault): void {
    if (!this.#running.delete(fault)) return;
    this.#note(() => `ended: ${fault.text}`);
    fault.stop();
  }

  #drawKind(): FaultKindOf<World> {
    const { kinds } = this.#mix;
    let left = this.#random.below(kinds.reduce((sum, { weight }) => sum + weight, 0));
    for (const kind of kinds) {
      left -= kind.weight;
      if (left < 0) return kind;
    }
    return this.#random.pick(kinds);
  }

  #note(text: () => string): void {
    this.#simulation.trace.note('fault', '', this.#running.size, 0, text);
  }
}

/** Combines several undo functions. */
export function combineUndos(undos: readonly (() => void)[]): () => void {
  return () => {
    for (const undo of undos) undo();
  };
}

/** A fault that ends at once. */
export function instantFault(text: string): ActiveFault {
  return { text, stop: () => undefined };
}
