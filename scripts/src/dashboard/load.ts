/** Light load for the dashboard: look-ups and orders. Each order is retried until its outcome is known. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

const NAMES = ['AAPL', 'AMZN', 'GOOGL', 'META', 'NFLX', 'NVDA'] as const;
/** Pause between two requests of one shopper, in milliseconds. */
const PAUSE_MS = 15;
const SHOPPERS = 4;

export interface Load {
  /** Orders that failed for another reason than insufficient stock. */
  readonly failed: number;
  /** Stops the load; resolves once every shopper has ended. */
  stop(): Promise<void>;
}

/** Starts the load on these front-ends. */
export function startLoad(urls: readonly string[]): Load {
  const state = { failed: 0, stopping: false };
  const shoppers = Array.from({ length: SHOPPERS }, async (_, at) => {
    for (let round = at; !state.stopping; round += 1) {
      const url = urls[round % urls.length] ?? '';
      const name = NAMES[round % NAMES.length] ?? '';
      await fetch(`${url}/stocks/${name}`).catch(() => undefined);
      const status = await placeOrder(urls, round, name, state);
      if (status !== null && status !== 200 && status !== 409) state.failed += 1;
      await delay(PAUSE_MS);
    }
  });
  return {
    get failed() {
      return state.failed;
    },
    stop: async () => {
      state.stopping = true;
      await Promise.all(shoppers);
    },
  };
}

/** Places an order and returns its final status; null if the load was stopped first. */
async function placeOrder(
  urls: readonly string[],
  round: number,
  name: string,
  state: { readonly stopping: boolean },
): Promise<number | null> {
  const key = randomUUID();
  for (let attempt = round; !state.stopping; attempt += 1) {
    try {
      const response = await fetch(`${urls[attempt % urls.length] ?? ''}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        // Sells and buys alternate, so that stock never runs out.
        body: JSON.stringify({ name, type: round % 2 === 0 ? 'sell' : 'buy', quantity: 1 + (round % 3) }),
      });
      await response.arrayBuffer();
      if (response.status < 500) return response.status;
    } catch {
      // This front-end is down: try the next one.
    }
    await delay(PAUSE_MS);
  }
  return null;
}
