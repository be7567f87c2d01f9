/** Cached look-ups against the least that Node can do for one, and against look-ups without a cache. */
import { hostOf, type Target } from '../load/connection.js';
import { constantRequests } from '../rules/numbered.js';
import { getRequest } from '../rules/requests.js';
import { startBareServer } from '../system/bare-server.js';
import { startOtherCheckout } from '../system/other-checkout.js';
import type { Session } from '../system/session.js';
import { stockName, Trireme } from '../system/trireme.js';
import type { Contender } from './closed.js';
import { BEFORE } from './systems.js';

export const CACHE_ON = 'cache on';
export const CACHE_OFF = 'cache off';
export const BARE = 'bare node:http';

export interface Lookups {
  readonly contenders: readonly Contender[];
  readonly stop: () => Promise<void>;
}

/**
 * Starts a cluster with a cache, one without, and the bare server.
 * @param before folder of another checkout to compare with, with a cache; null for none
 */
export async function startLookups(session: Session, before: string | null): Promise<Lookups> {
  const on = await Trireme.start(session, { stocks: 10, cacheSize: 5 });
  const off = await Trireme.start(session, { stocks: 10, cacheSize: null });
  const other =
    before === null ? null : await startOtherCheckout(session, before, { stocks: 10, cacheSize: 5 });
  const path = `/stocks/${stockName(0)}`;
  // The second answer comes from the cache: the bare server is to repeat that one, headers and all.
  await fetch(on.url + path).then(async (response) => response.arrayBuffer());
  const bare = await startBareServer(session, on.url + path);
  const contender = (system: string, target: Target): Contender => {
    const requests = constantRequests(getRequest(hostOf(target), path));
    return { system, prepare: async () => Promise.resolve({ target, requests }) };
  };
  return {
    contenders: [
      contender(CACHE_ON, on.target),
      contender(BARE, bare.target),
      contender(CACHE_OFF, off.target),
      ...(other === null ? [] : [contender(BEFORE, other.target)]),
    ],
    stop: async () => {
      await Promise.all([on.stop(), off.stop(), bare.stop(), other?.stop()]);
    },
  };
}
