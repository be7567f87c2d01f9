/**
 * The trace of a run: always a hash, and readable lines on request. The hash covers every event, whether its line is
 * printed or not. Two runs with equal hashes are identical.
 */
import { SECOND, type Scheduler } from './scheduler.js';

/** Kinds of lines. The position of a kind in this list is part of the hash. */
const KINDS = [
  'send',
  'receive',
  'lose',
  'unreachable',
  'linkLost',
  'persist',
  'durable',
  'apply',
  'status',
  'commit',
  'snapshot',
  'start',
  'stop',
  'fault',
  'client',
  'phase',
] as const;

type TraceKind = (typeof KINDS)[number];

const CODES: ReadonlyMap<TraceKind, number> = new Map(KINDS.map((kind, code) => [kind, code]));

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const OTHER_PRIME = 0x85ebca6b;

/** Receives each line of a readable trace. */
export type TraceSink = (line: string) => void;

export class Trace {
  readonly #scheduler: Scheduler;
  readonly #sink: TraceSink | null;
  /** Two 32-bit hashes of the same numbers, with different functions. */
  #first = FNV_OFFSET;
  #second = 0;

  constructor(scheduler: Scheduler, sink: TraceSink | null) {
    this.#scheduler = scheduler;
    this.#sink = sink;
  }

  /** The 64-bit hash, in hexadecimal. */
  get hash(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#first) + hex(this.#second);
  }

  /**
   * Records an event at the current time.
   * @param who name of the process or client, empty for the whole run
   * @param a first number that distinguishes this event from others of its kind
   * @param b second number that distinguishes this event from others of its kind
   */
  note(kind: TraceKind, who: string, a: number, b: number, text: () => string): void {
    const { now } = this.#scheduler;
    this.#mix(now);
    this.#mix(CODES.get(kind) ?? KINDS.length);
    for (let at = 0; at < who.length; at += 1) this.#mix(who.charCodeAt(at));
    this.#mix(a);
    this.#mix(b);
    if (this.#sink === null) return;
    const seconds = (now / SECOND).toFixed(6).padStart(10);
    this.#sink(`${seconds} ${who.padEnd(3)} ${kind.padEnd(11)} ${text()}`);
  }

  #mix(value: number): void {
    this.#first = Math.imul(this.#first ^ value, FNV_PRIME);
    this.#first ^= this.#first >>> 15;
    this.#second = Math.imul(this.#second + (value | 0), OTHER_PRIME);
    this.#second ^= this.#second >>> 13;
  }
}
