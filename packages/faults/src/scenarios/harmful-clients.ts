/** Clients whose requests would disturb other clients if they were not rejected. */
import { ScenarioError, type ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

/** 62 characters and a lone surrogate, which takes three bytes when encoded: 65 bytes, one above the limit. */
const GROWING_NAME = `${'x'.repeat(62)}\\ud83d`;

/** Repeats `request` for `ms` milliseconds with concurrent clients. @returns the number of calls */
async function repeat(ms: number, clients: number, request: () => Promise<void>): Promise<number> {
  const end = performance.now() + ms;
  let made = 0;
  const client = async (): Promise<void> => {
    for (; performance.now() < end; made += 1) await request();
  };
  await Promise.all(Array.from({ length: clients }, client));
  return made;
}

async function placeBadOrder(url: string): Promise<void> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"name":"${GROWING_NAME}","type":"sell","quantity":1}`,
  });
  const text = await response.text();
  if (response.status !== 400 || !text.includes('INVALID_ORDER'))
    throw new ScenarioError(`an order with a malformed name was answered ${response.status} ${text}`);
}

/**
 * Number of log lines in which a replica reports a closed link of a front-end. Links to catalogs do not
 * count, because front-ends close them themselves when a catalog is slow.
 */
function brokenLinks(run: ScenarioRun): number {
  return run.testCluster.lines.filter(
    (line) => line.startsWith('[replica') && line.includes('link closed') && line.includes('peer=frontend'),
  ).length;
}

export const HARMFUL_CLIENTS: readonly Scenario[] = [
  {
    name: 'clients send orders whose names grow when encoded: they are rejected, and no link breaks',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      const { urls } = run.cluster;
      const broken = brokenLinks(run);
      const sent = await Promise.all(
        urls.map(async (url) => repeat(1_500, 2, async () => placeBadOrder(url))),
      );
      run.note(`${sent.join(' and ')} invalid orders were rejected`);
      if (brokenLinks(run) > broken)
        throw new ScenarioError('a link between a front-end and a replica was closed');
      await run.waitForOrders();
    },
  },
];
