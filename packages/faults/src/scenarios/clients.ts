/** Clients that ask for what would hurt others, were it not refused. */
import { ScenarioError, type Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

/** 62 characters and half a pair, which takes three characters more once it has been encoded: 65, one above the bound. */
const GROWING_NAME = `${'x'.repeat(62)}\\ud83d`;
/** Calls `request` over and over for `ms` milliseconds, with `clients` at a time. @returns how often */
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
    throw new ScenarioError(`an order with a name that is not well-formed got ${response.status} ${text}`);
}

/** How often a replica has told that the link of a front-end was closed. Front-ends leave catalogs that are late by themselves. */
function brokenLinks(run: Run): number {
  return run.stage.lines.filter(
    (line) => line.startsWith('[replica') && line.includes('link closed') && line.includes('peer=frontend'),
  ).length;
}

export const CLIENTS_THAT_HURT: readonly Scenario[] = [
  {
    name: 'clients send orders that grow when they are encoded: these are refused, and no link breaks',
    everyday: true,
    workload: { impatient: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      const { urls } = run.cluster;
      const broken = brokenLinks(run);
      const sent = await Promise.all(
        urls.map(async (url) => repeat(1_500, 2, async () => placeBadOrder(url))),
      );
      run.note(`${sent.join(' and ')} bad orders were refused`);
      if (brokenLinks(run) > broken) throw new ScenarioError('a link of a front-end was closed');
      await run.progress();
    },
  },
];
