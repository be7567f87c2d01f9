/**
 * A closed loop: a fixed number of proposals in flight, each followed by another as soon as the leader has
 * applied it. The latency of a proposal is the time from `propose` until the leader has applied it.
 */
import type { Entry } from '@trireme/raft';
import { LatencyHistogram } from '../rules/outcomes.js';
import type { RaftLoad, RaftRound } from '../rules/raft.js';
import type { BenchMember } from './cluster.js';

export interface TimedLoad extends RaftLoad {
  readonly seconds: number;
}

type LoopResult = Omit<RaftRound, keyof RaftLoad>;

/** If proposals take longer than this, the leader has lost its leadership. */
const STALL_MS_MAX = 15_000;

/**
 * Runs the load against `leader`, then waits for the proposals in flight, which are not counted. Rejects if
 * it stalls.
 */
export async function runClosedLoop(leader: BenchMember, load: TimedLoad): Promise<LoopResult> {
  const loop = new ClosedLoop(leader, load);
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    const error = new Error('the proposals in flight were not applied: the leader has lost its leadership');
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
  readonly #leader: BenchMember;
  readonly #load: TimedLoad;
  readonly #payload: Buffer;
  /** Times of the proposals in flight, by index modulo their number: their indexes are consecutive. */
  readonly #proposedAt: Float64Array;
  readonly #latency = new LatencyHistogram();
  #inFlight = 0;

  constructor(leader: BenchMember, load: TimedLoad) {
    this.#leader = leader;
    this.#load = load;
    this.#payload = Buffer.alloc(load.payloadBytes, 'x');
    this.#proposedAt = new Float64Array(load.inFlight);
  }

  async run(): Promise<LoopResult> {
    const { node, machine } = this.#leader;
    const { inFlight, seconds } = this.#load;
    const first = node.log.lastIndex + 1;
    const startedAt = performance.now();
    const endsAt = startedAt + seconds * 1000;
    return new Promise((resolve) => {
      machine.onApplied = (entries) => {
        const now = performance.now();
        for (const entry of entries) if (entry.index >= first) this.#onApplied(entry, now, now < endsAt);
        if (this.#inFlight > 0) return;
        resolve({ rate: this.#latency.count / seconds, latency: this.#latency });
      };
      for (let proposed = 0; proposed < inFlight; proposed += 1) this.#propose(startedAt);
    });
  }

  #propose(now: number): void {
    const { index } = this.#leader.node.propose(this.#payload);
    this.#proposedAt[index % this.#load.inFlight] = now;
    this.#inFlight += 1;
  }

  #onApplied({ index }: Entry, now: number, isCounted: boolean): void {
    this.#inFlight -= 1;
    if (!isCounted) return;
    this.#latency.record(now - (this.#proposedAt[index % this.#load.inFlight] ?? now));
    this.#propose(now);
  }
}
