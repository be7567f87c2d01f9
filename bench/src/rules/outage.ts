/** How long nothing was acknowledged when a leader was killed under load. */

/** One request of the load, on the clock of the kill. */
export interface Request {
  readonly intendedMs: number;
  readonly doneMs: number;
  readonly acknowledged: boolean;
}

export interface Outage {
  /** From the kill to the first acknowledgement of a request meant to start after it; null if there was none. */
  readonly untilServedMs: number | null;
  /** Longest time between two acknowledgements, one after the other, the later of which came after the kill. */
  readonly silenceMs: number | null;
  /** Requests meant to start after the kill, or under way at it, that were not acknowledged. */
  readonly failed: number;
  /** Longest wait of an acknowledged request, from its intended start; null if there was none. */
  readonly longestMs: number | null;
}

/** Judges what a kill did to the requests around it. */
export function findOutage(requests: readonly Request[], killedMs: number): Outage {
  const acknowledged = requests.filter((request) => request.acknowledged);
  const after = acknowledged.filter(({ intendedMs }) => intendedMs >= killedMs);
  const doneMs = acknowledged.map((request) => request.doneMs).sort((a, b) => a - b);
  const gaps = doneMs.slice(1).flatMap((done, i) => (done > killedMs ? [done - (doneMs[i] ?? done)] : []));
  return {
    untilServedMs: after.length === 0 ? null : greatest(after, ({ doneMs: done }) => -done) * -1 - killedMs,
    silenceMs: gaps.length === 0 ? null : gaps.reduce((a, b) => Math.max(a, b)),
    failed: requests.filter((request) => !request.acknowledged && request.doneMs >= killedMs).length,
    longestMs:
      acknowledged.length === 0
        ? null
        : greatest(acknowledged, (request) => request.doneMs - request.intendedMs),
  };
}

function greatest(requests: readonly Request[], figure: (request: Request) => number): number {
  return requests.reduce((most, request) => Math.max(most, figure(request)), -Infinity);
}
