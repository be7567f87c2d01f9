/** The outage that a killed leader causes under load. */

/** One request of the load. All times are on the clock of the kill. */
export interface TimedRequest {
  readonly intendedMs: number;
  readonly doneMs: number;
  readonly acknowledged: boolean;
}

export interface Outage {
  /**
   * From the kill to the first acknowledgement of a request with a later intended start; null if there is
   * none.
   */
  readonly untilServedMs: number | null;
  /** Longest time between two consecutive acknowledgements, the second of which came after the kill. */
  readonly silenceMs: number | null;
  /** Number of requests that ended after the kill without an acknowledgement. */
  readonly failed: number;
  /** Longest latency of an acknowledged request, from its intended start; null if there is none. */
  readonly longestMs: number | null;
}

/** Computes the outage after a kill at `killedMs`. */
export function findOutage(requests: readonly TimedRequest[], killedMs: number): Outage {
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

function greatest(requests: readonly TimedRequest[], figure: (request: TimedRequest) => number): number {
  return requests.reduce((most, request) => Math.max(most, figure(request)), -Infinity);
}
