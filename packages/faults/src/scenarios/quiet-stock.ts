/** A stock that the workload does not use, so that only the script of a scenario changes or reads it. */
import { ScenarioError, type ScenarioRun } from '../run/scenario-run.js';

export const QUIET_STOCK = '/stocks/NFLX';

/**
 * Number of immediately consecutive look-ups: on an overloaded machine a lease may expire between slower
 * ones.
 */
const LOOKUPS_IN_TURN = 10;

const FILL_MS_MAX = 120_000;

/** Waits until a front-end answers from its cache. @param frontend from 0 */
export async function waitForCacheHit(run: ScenarioRun, frontend: number): Promise<void> {
  const fills = async (): Promise<boolean> => {
    for (let i = 0; i < LOOKUPS_IN_TURN; i += 1) {
      const { headers } = await run.testCluster.request('GET', QUIET_STOCK, { frontend });
      if (headers.get('x-cache') === 'hit') return true;
    }
    return false;
  };
  await run.waitUntil(`frontend-${frontend + 1} answers from its cache`, fills, FILL_MS_MAX);
}

/**
 * Sets the price through a front-end.
 * @param frontend from 0
 * @throws ScenarioError if the change is not acknowledged
 */
export async function setPrice({ testCluster }: ScenarioRun, price: number, frontend: number): Promise<void> {
  const options = { body: { price }, headers: testCluster.operatorHeaders(), frontend };
  const { status, text } = await testCluster.request('PUT', QUIET_STOCK, options);
  if (status !== 200) throw new ScenarioError(`setting the price failed: ${status} ${text}`);
}

/**
 * Checks the price that a front-end returns.
 * @param frontend from 0
 * @throws ScenarioError if it is not `price`
 */
export async function assertPrice(
  { testCluster }: ScenarioRun,
  price: number,
  frontend: number,
): Promise<void> {
  const { status, text } = await testCluster.request('GET', QUIET_STOCK, { frontend });
  if (status !== 200 || !text.includes(`"price":${price}.00`))
    throw new ScenarioError(
      `price ${price} was acknowledged, but frontend-${frontend + 1} answered ${status} ${text}`,
    );
}
