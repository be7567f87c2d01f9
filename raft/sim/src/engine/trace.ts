/**
 * What happened in a run, as a hash always and as readable lines when asked for. The hash covers every line, whether
 * it is made or not: two runs with the same hash went the same way.
 */
import { SECOND, type Scheduler } from './scheduler.js';

/** Kinds of lines; the place of a kind in this list goes into the hash. */
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
  /** Two hashes of 32 bits over the same numbers, by different rules. */
  #first = FNV_OFFSET;
  #second = 0;

  constructor(scheduler: Scheduler, sink: TraceSink | null) {
    this.#scheduler = scheduler;
    this.#sink = sink;
  }

  /** Of 64 bits, in hexadecimal. */
  get hash(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#first) + hex(this.#second);
  }

  /**
   * Notes that something happened now.
   * @param who the process's or client's name, `` for the run as a whole.
   * @param a @param b two numbers that tell this line from others of its kind.
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
