/** Compares cached look-ups with the minimal work of Node for a request, and with look-ups without a cache. */
import { hostOf, type Target } from '../load/connection.js';
import { constantRequests } from '../rules/numbered-requests.js';
import { getRequest } from '../rules/requests.js';
import { startBareServer } from '../system/bare-server.js';
import { startOtherCheckout } from '../system/other-checkout.js';
import type { BenchSession } from '../system/session.js';
import { stockName, TriremeCluster } from '../system/trireme.js';
import type { ComparedSystem } from './closed-comparison.js';
import { OTHER_CHECKOUT } from './systems.js';

export const CACHE_ON = 'cache on';
export const CACHE_OFF = 'cache off';
export const BARE = 'bare node:http';

export interface LookupSystems {
  readonly contenders: readonly ComparedSystem[];
  readonly stop: () => Promise<void>;
}

/**
 * Starts a cluster with a cache, one without a cache, and the bare server.
 * @param before folder of another checkout, whose cluster is started with a cache too; null for none
 */
export async function startLookups(session: BenchSession, before: string | null): Promise<LookupSystems> {
  const on = await TriremeCluster.start(session, { stocks: 10, cacheSize: 5 });
  const off = await TriremeCluster.start(session, { stocks: 10, cacheSize: null });
  const other =
    before === null ? null : await startOtherCheckout(session, before, { stocks: 10, cacheSize: 5 });
  const path = `/stocks/${stockName(0)}`;
  // The first look-up fills the cache, so the bare server copies the headers of a cached answer.
  await fetch(on.url + path).then(async (response) => response.arrayBuffer());
  const bare = await startBareServer(session, on.url + path);
  const contender = (system: string, target: Target): ComparedSystem => {
    const requests = constantRequests(getRequest(hostOf(target), path));
    return { system, prepare: async () => Promise.resolve({ target, requests }) };
  };
  return {
    contenders: [
      contender(CACHE_ON, on.target),
      contender(BARE, bare.target),
      contender(CACHE_OFF, off.target),
      ...(other === null ? [] : [contender(OTHER_CHECKOUT, other.target)]),
    ],
    stop: async () => {
      await Promise.all([on.stop(), off.stop(), bare.stop(), other?.stop()]);
    },
  };
}
