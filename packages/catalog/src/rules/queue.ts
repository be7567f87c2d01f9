/** What leaders ask while a round is under way, in the order in which it came: all of it goes into the next round. */
import type { Command, RequestTrace } from '@trireme/domain';
import type { Snapshot } from './snapshot.js';

/** Requests that wait at most, of all leaders together. At the bound the link that brings another is closed. */
const QUEUE_REQUESTS_MAX = 4096;

/** Bytes of batches and snapshots that wait at most; the same happens at this bound. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;

interface Sized {
  /** What it counts for in the queue's bound. */
  readonly bytes: number;
}

/** Apply a batch; see the frame of that name. */
export interface EntryWork extends Sized {
  readonly kind: 'entry';
  readonly index: number;
  readonly prev: number;
  readonly skip: ReadonlySet<number>;
  /** Of the log up to and with this batch, by the leader. */
  readonly hash: string;
  /** As the log has it. */
  readonly batch: Uint8Array;
  readonly commands: readonly Command[];
  /** Commands whose requests are followed through the logs. */
  readonly traces: readonly RequestTrace[];
}

/** Replace the stock table by a snapshot whose parts are all here. */
export interface InstallWork extends Sized {
  readonly kind: 'install';
  readonly snapshot: Snapshot;
}

/** Tell the leader how far the catalog is. */
export interface BeginWork extends Sized {
  readonly kind: 'begin';
}

export type Work = EntryWork | InstallWork | BeginWork;

/** A request and the leader link that brought it. */
export interface QueuedWork {
  readonly link: number;
  readonly work: Work;
}

/** The waiting requests. */
export class WorkQueue {
  readonly #requestsMax: number;
  readonly #bytesMax: number;
  #waiting: QueuedWork[] = [];
  #bytes = 0;

  constructor(requestsMax = QUEUE_REQUESTS_MAX, bytesMax = QUEUE_BYTES_MAX) {
    this.#requestsMax = requestsMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Whether a request of `link` waits. */
  has(link: number): boolean {
    return this.#waiting.some((queued) => queued.link === link);
  }

  /** Adds a request; false at the bound. One that is larger than the bound is taken by an empty queue, or it never would be. */
  push(link: number, work: Work): boolean {
    const full = this.#waiting.length >= this.#requestsMax || this.#bytes + work.bytes > this.#bytesMax;
    if (full && this.#waiting.length > 0) return false;
    this.#waiting.push({ link, work });
    this.#bytes += work.bytes;
    return true;
  }

  /** Takes everything out, in order. */
  takeAll(): readonly QueuedWork[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return taken;
  }

  /** Drops what a closed link had asked: nobody would get the answer, and a leader asks again on its next link. */
  dropLink(link: number): void {
    this.#waiting = this.#waiting.filter((queued) => queued.link !== link);
    this.#bytes = this.#waiting.reduce((sum, queued) => sum + queued.work.bytes, 0);
  }
}
