/**
 * A closed loop: a fixed number of proposals in flight, each followed by another as soon as the leader has applied it.
 * The latency of one is from its proposal to its application at the leader.
 */
import type { Entry } from '@trireme/raft';
import type { Member } from './cluster.js';

export interface Load {
  readonly payloadBytes: number;
  readonly inFlight: number;
  readonly seconds: number;
}

export interface Round {
  /** Proposals a second. */
  readonly rate: number;
  /** Of every proposal, in milliseconds, in ascending order. */
  readonly latenciesMs: Float64Array;
}

/** Room for so many latencies at first; it grows. */
const SAMPLES = 65_536;
/** A load whose proposals take longer than this has lost its leader. */
const STALL_MS_MAX = 15_000;

/** Runs the load against `leader` and waits for what is in flight at the end, which is not counted. Rejects if it stalls. */
export async function runClosedLoop(leader: Member, load: Load): Promise<Round> {
  const loop = new ClosedLoop(leader, load);
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    const error = new Error('the proposals in flight are not applied: leadership was lost');
    timer = setTimeout(() => reject(error), load.seconds * 1000 + STALL_MS_MAX);
  });
  try {
    return await Promise.race([loop.run(), stalled]);
  } finally {
    clearTimeout(timer);
    leader.machine.onApplied = () => undefined;
  }
}

class ClosedLoop {
  readonly #leader: Member;
  readonly #load: Load;
  readonly #payload: Buffer;
  /** When the proposal of an index was made: those in flight are neighbours. */
  readonly #proposedAt: Float64Array;
  #samples = new Float64Array(SAMPLES);
  #count = 0;
  #waiting = 0;

  constructor(leader: Member, load: Load) {
    this.#leader = leader;
    this.#load = load;
    this.#payload = Buffer.alloc(load.payloadBytes, 'x');
    this.#proposedAt = new Float64Array(load.inFlight);
  }

  async run(): Promise<Round> {
    const { node, machine } = this.#leader;
    const { inFlight, seconds } = this.#load;
    const first = node.log.lastIndex + 1;
    const startedAt = performance.now();
    const endsAt = startedAt + seconds * 1000;
    return new Promise((resolve) => {
      machine.onApplied = (entries) => {
        const now = performance.now();
        for (const entry of entries) if (entry.index >= first) this.#applied(entry, now, now < endsAt);
        if (this.#waiting > 0) return;
        resolve({ rate: this.#count / seconds, latenciesMs: this.#samples.slice(0, this.#count).sort() });
      };
      for (let place = 0; place < inFlight; place += 1) this.#propose(startedAt);
    });
  }

  #propose(now: number): void {
    const { index } = this.#leader.node.propose(this.#payload);
    this.#proposedAt[index % this.#load.inFlight] = now;
    this.#waiting += 1;
  }

  #applied({ index }: Entry, now: number, isCounted: boolean): void {
    this.#waiting -= 1;
    if (!isCounted) return;
    if (this.#count === this.#samples.length) {
      const larger = new Float64Array(this.#samples.length * 2);
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples[this.#count] = now - (this.#proposedAt[index % this.#load.inFlight] ?? now);
    this.#count += 1;
    this.#propose(now);
  }
}
