/** A stock that no client of the workload trades, so that only a scenario changes it, or takes it from a cache. */
import { ScenarioError, type Run } from '../run/run.js';

export const QUIET_STOCK = '/stocks/NFLX';

/** Look-ups that follow each other at once: leases come and go on a machine whose cores have too much to do. */
const LOOKUPS_IN_TURN = 10;

const FILL_MS_MAX = 120_000;

/** Waits until a front-end answers from its cache. @param frontend from 0 */
export async function cacheFills(run: Run, frontend: number): Promise<void> {
  const fills = async (): Promise<boolean> => {
    for (let i = 0; i < LOOKUPS_IN_TURN; i += 1) {
      const { headers } = await run.stage.request('GET', QUIET_STOCK, { frontend });
      if (headers.get('x-cache') === 'hit') return true;
    }
    return false;
  };
  await run.until(`frontend-${frontend + 1} answers from its cache`, fills, FILL_MS_MAX);
}

/** Sets the price through a front-end, from 0. @throws ScenarioError if that is not acknowledged. */
export async function reprice({ stage }: Run, price: number, frontend: number): Promise<void> {
  const options = { body: { price }, headers: stage.operatorToken(), frontend };
  const { status, text } = await stage.request('PUT', QUIET_STOCK, options);
  if (status !== 200) throw new ScenarioError(`the price could not be set: ${status} ${text}`);
}

/** @throws ScenarioError if a front-end, from 0, answers with another price than the acknowledged one. */
export async function tellsPrice({ stage }: Run, price: number, frontend: number): Promise<void> {
  const { status, text } = await stage.request('GET', QUIET_STOCK, { frontend });
  if (status !== 200 || !text.includes(`"price":${price}.00`))
    throw new ScenarioError(
      `${price} was acknowledged, and frontend-${frontend + 1} answers ${status} ${text}`,
    );
}
