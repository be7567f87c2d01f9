/** Compares cached look-ups with the minimal work of Node for a request, and with look-ups without a cache. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { constantRequests, lookup, stockName } from '../rules/requests.js';
import { startOtherCheckout } from '../system/other-checkout.js';
import type { BenchSession } from '../system/session.js';
import { TriremeCluster, type RunningSystem } from '../system/trireme.js';
import { fixedSystem, type ComparedSystem } from './closed-comparison.js';
import { OTHER_CHECKOUT } from './systems.js';

export const CACHE_ON = 'cache on';
export const CACHE_OFF = 'cache off';
export const BARE = 'bare node:http';

/** Headers that Node's server adds itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['connection', 'date', 'keep-alive']);

export interface LookupSystems {
  readonly systems: readonly ComparedSystem[];
  readonly stop: () => Promise<void>;
}

/**
 * Starts a cluster with a cache, one without a cache, and the bare server.
 * @param before folder of another checkout, whose cluster is started with a cache too; null for none
 */
export async function startLookups(session: BenchSession, before: string | null): Promise<LookupSystems> {
  const size = { stocks: 10, cacheSize: 5 };
  const on = await TriremeCluster.start(session, size);
  const off = await TriremeCluster.start(session, { ...size, cacheSize: null });
  const other = before === null ? null : await startOtherCheckout(session, before, size);
  const request = lookup(stockName(0));
  // The first look-up fills the cache, so the bare server copies the headers of a cached answer.
  await fetch(on.url + request.path).then(async (response) => response.arrayBuffer());
  const bare = await startBareServer(session, on.url + request.path);
  const started = [
    { system: CACHE_ON, running: on },
    { system: BARE, running: bare },
    { system: CACHE_OFF, running: off },
    ...(other === null ? [] : [{ system: OTHER_CHECKOUT, running: other }]),
  ];
  return {
    systems: started.map(({ system, running }) =>
      fixedSystem(system, running.url, constantRequests(request)),
    ),
    stop: async () => {
      await Promise.all(started.map(async ({ running }) => running.stop()));
    },
  };
}

/**
 * Runs a bare `node:http` server that repeats the answer of `url`: same headers, same body.
 * @throws Error if the request fails.
 */
async function startBareServer(session: BenchSession, url: string): Promise<RunningSystem> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  const body = await response.text();
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !OWN_HEADERS.has(name)));
  const child = fork(fileURLToPath(new URL('./bare-server-main.js', import.meta.url)));
  const exited = once(child, 'exit');
  const stop = session.defer(async () => {
    child.disconnect();
    await exited;
  });
  child.send({ headers, body });
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, stop };
}
