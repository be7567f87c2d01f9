/**
 * The request ids of commands, from submission until the command is visible. Only commands whose client gave
 * a request id are traced, so that the others cost nothing.
 */
import type { Command, RequestTrace } from '@trireme/domain';

/** Maximum number of commands traced at a time; further ones are not traced. */
const TRACES_MAX = 10_000;

const NONE: readonly RequestTrace[] = [];

export class RequestTraces {
  /** Request ids of commands that are not logged yet, by key. */
  readonly #byKey = new Map<string, string>();
  /** Request ids of logged commands, by log index, ascending. */
  readonly #byIndex = new Map<number, readonly RequestTrace[]>();
  readonly #sizeMax: number;
  #size = 0;

  constructor(sizeMax = TRACES_MAX) {
    this.#sizeMax = sizeMax;
  }

  /** A command was accepted and waits to be logged. */
  onSubmitted(key: string, requestId: string): void {
    if (this.#size >= this.#sizeMax || this.#byKey.has(key)) return;
    this.#byKey.set(key, requestId);
    this.#size += 1;
  }

  /** The batch with `commands` was logged at `index`. Returns its traced commands. */
  onLogged(index: number, commands: readonly Command[]): readonly RequestTrace[] {
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

  /** The traced commands of the batch at `index`. */
  at(index: number): readonly RequestTrace[] {
    return this.#byIndex.get(index) ?? NONE;
  }

  /** Stops tracing batches up to `index`. */
  dropUpTo(index: number): void {
    for (const [at, traces] of this.#byIndex) {
      if (at > index) return;
      this.#byIndex.delete(at);
      this.#size -= traces.length;
    }
  }
}
