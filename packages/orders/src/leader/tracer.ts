/** Logs the progress of commands with a request id, and passes the request ids on to catalogs. */
import type { Command, ReplicaToCatalog, RequestTrace } from '@trireme/domain';
import type { Log } from '@trireme/service';
import { RequestTraces } from '../rules/leader/request-traces.js';

export class RequestTracer {
  readonly #log: Log;
  readonly #traces = new RequestTraces();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param isQueued whether the command is queued to be logged; false if its key is already known */
  onSubmitted(key: string, requestId: string, isQueued: boolean): void {
    this.#log.debug({ requestId, key, isQueued }, 'command taken');
    if (isQueued) this.#traces.onSubmitted(key, requestId);
  }

  onLogged(index: number, commands: readonly Command[]): void {
    this.#logTraces(index, this.#traces.onLogged(index, commands), 'command logged');
  }

  /** The frame, with the request ids of its batch. */
  withTraces(frame: ReplicaToCatalog): ReplicaToCatalog {
    if (frame.t !== 'entry') return frame;
    const traces = this.#traces.at(frame.index);
    return traces.length === 0 ? frame : { ...frame, traces };
  }

  onDecided(index: number): void {
    this.#logTraces(index, this.#traces.at(index), 'command decided');
  }

  /** Stops tracing batches up to `index`. */
  dropUpTo(index: number): void {
    this.#traces.dropUpTo(index);
  }

  #logTraces(index: number, traces: readonly RequestTrace[], message: string): void {
    for (const [position, requestId] of traces) this.#log.debug({ requestId, index, position }, message);
  }
}
