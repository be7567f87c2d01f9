/**
 * Which commands carry the id of the request that brought them, from when they are taken until what they changed is visible. Only
 * those whose client gave one do, so that the others cost nothing.
 */
import type { Command, RequestTrace } from '@trireme/domain';

/** Commands that are followed at once; further ones go their way without being followed. */
const TRACES_MAX = 10_000;

const NONE: readonly RequestTrace[] = [];

export class Traces {
  /** Request ids of commands that are not logged yet, by key. */
  readonly #byKey = new Map<string, string>();
  /** Of those that are logged, by log index, in rising order. */
  readonly #byIndex = new Map<number, readonly RequestTrace[]>();
  readonly #sizeMax: number;
  #size = 0;

  constructor(sizeMax = TRACES_MAX) {
    this.#sizeMax = sizeMax;
  }

  /** A command was taken and waits to be logged. */
  taken(key: string, requestId: string): void {
    if (this.#size >= this.#sizeMax || this.#byKey.has(key)) return;
    this.#byKey.set(key, requestId);
    this.#size += 1;
  }

  /** The batch with `commands` stands in the log at `index`. Returns those that are followed. */
  logged(index: number, commands: readonly Command[]): readonly RequestTrace[] {
    if (this.#byKey.size === 0) return NONE;
    const traces: RequestTrace[] = [];
    for (const [position, { key }] of commands.entries()) {
      const requestId = this.#byKey.get(key);
      if (requestId === undefined) continue;
      this.#byKey.delete(key);
      traces.push([position, requestId]);
    }
    if (traces.length > 0) this.#byIndex.set(index, traces);
    return traces;
  }

  /** Those of the batch at `index`. */
  of(index: number): readonly RequestTrace[] {
    return this.#byIndex.get(index) ?? NONE;
  }

  /** Batches up to `index` are followed no more. */
  forgetTo(index: number): void {
    for (const [at, traces] of this.#byIndex) {
      if (at > index) return;
      this.#byIndex.delete(at);
      this.#size -= traces.length;
    }
  }
}
