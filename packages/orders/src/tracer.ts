/** Tells the log where the commands are whose requests are followed, and the catalogs which ones those are. */
import type { Command, ReplicaToCatalog, RequestTrace } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { Traces } from './rules/traces.js';

export class Tracer {
  readonly #log: Log;
  readonly #traces = new Traces();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param isQueued whether it is to be logged; else its key was known already. */
  taken(key: string, requestId: string, isQueued: boolean): void {
    this.#log.debug({ requestId, key, isQueued }, 'command taken');
    if (isQueued) this.#traces.taken(key, requestId);
  }

  logged(index: number, commands: readonly Command[]): void {
    this.#tell(index, this.#traces.logged(index, commands), 'command logged');
  }

  /** The frame, with what is followed in its batch. */
  traced(frame: ReplicaToCatalog): ReplicaToCatalog {
    if (frame.t !== 'entry') return frame;
    const traces = this.#traces.of(frame.index);
    return traces.length === 0 ? frame : { ...frame, traces };
  }

  decided(index: number): void {
    this.#tell(index, this.#traces.of(index), 'command decided');
  }

  /** Batches up to `index` are followed no more. */
  forgetTo(index: number): void {
    this.#traces.forgetTo(index);
  }

  #tell(index: number, traces: readonly RequestTrace[], message: string): void {
    for (const [position, requestId] of traces) this.#log.debug({ requestId, index, position }, message);
  }
}
