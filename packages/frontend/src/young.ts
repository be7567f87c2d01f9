/** How V8 is to treat what a request makes. */
import { setFlagsFromString } from 'node:v8';

/** A V8 that does not know it says so on standard error, and the process goes on. */
export const YOUNG_FLAG = '--no-allocation-site-pretenuring';

/**
 * Has V8 not learn from what survives where objects are to be made. Left to itself it makes those of some places old at
 * once, where it has seen most of them survive. Under a burst of requests it sees that of objects which live as long as
 * one answer takes to be written: old and dead they then keep their request, its answer and all that belongs to them from
 * every minor collection, and the front-end copies four times as much in each. It happened in one start out of ten, cost
 * half of an order's CPU there again, and stayed for as long as the load did.
 */
export function keepObjectsYoung(): void {
  setFlagsFromString(YOUNG_FLAG);
}
