/** Waits for caches: a lease of an eighth of a second comes and goes on a machine whose cores have too much to do. */
import type { Run } from '../run/run.js';

/** Look-ups that follow each other at once, so that some of them meet a lease. */
const LOOKUPS_IN_TURN = 10;

const FILL_MS_MAX = 120_000;

/** Waits until a front-end answers a look-up from its cache. @param frontend from 0 @param path of the stock */
export async function cacheFills(run: Run, frontend: number, path: string): Promise<void> {
  const fills = async (): Promise<boolean> => {
    for (let i = 0; i < LOOKUPS_IN_TURN; i += 1) {
      const { headers } = await run.stage.request('GET', path, { frontend });
      if (headers.get('x-cache') === 'hit') return true;
    }
    return false;
  };
  await run.until(`frontend-${frontend + 1} answers ${path} from its cache`, fills, FILL_MS_MAX);
}
