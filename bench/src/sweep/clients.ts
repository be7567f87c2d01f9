/** Clients of the sweep, each on its own connection: a closed loop of look-ups and orders, then of order reads. */
import { runClients, type LoopClient } from '../generator/undici.js';
import type { ClientPlan, ClientStep } from '../rules/client-plan.js';
import { RequestCounter } from '../rules/outcomes.js';
import type { RequestKind } from '../rules/requests.js';

export interface SweepClientsResult {
  /** Latencies from sending a request to the end of its answer. */
  readonly counters: Readonly<Record<RequestKind, RequestCounter>>;
  /** Look-ups and orders per second; order reads do not count. */
  readonly perSecond: number;
}

/** Carries out all plans concurrently. Order reads start when all clients have placed their orders. */
export async function runSweepClients(
  url: string,
  plans: readonly ClientPlan[],
): Promise<SweepClientsResult> {
  const counters = {
    lookup: new RequestCounter(),
    order: new RequestCounter(),
    'order read': new RequestCounter(),
  };
  const clientOf = (plan: ClientPlan, nextStep: () => ClientStep | null): LoopClient => {
    let step: ClientStep | null = null;
    return {
      next: () => {
        step = nextStep();
        return step === null ? null : step.request;
      },
      onAnswer: (answer, tookMs) => {
        if (step === null) return;
        const counter = counters[step.kind];
        if (counter.count(answer, tookMs) && !plan.checkAnswer(step, answer.body))
          counter.countFailure(`${step.kind} returned wrong content`);
      },
    };
  };
  const startMs = performance.now();
  await runClients(
    url,
    plans.map((plan) => clientOf(plan, () => plan.nextLookupOrOrder())),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const answered = counters.lookup.latency.count + counters.order.latency.count;
  await runClients(
    url,
    plans.map((plan) => clientOf(plan, () => plan.nextOrderRead())),
  );
  return { counters, perSecond: answered / seconds };
}
