/**
 * The pages that stay as they are while the process runs, made once, in a thread of its own: hono/jsx renders inside an
 * `AsyncLocalStorage`, and the first use of one has Node (before 24) call a hook for every promise that the thread makes
 * from then on. Rendered on the thread that serves, two pages would cost every order a sixth of the front-end's CPU.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PageProps } from '../dashboard/page.js';

/** Whole pages, as HTML. */
export interface Pages {
  readonly dashboard: string;
  readonly docs: string;
}

/** Renders them. @throws what rendering throws. */
export async function renderPages(props: PageProps): Promise<Pages> {
  const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: props });
  const [pages] = (await once(worker, 'message')) as [Pages];
  return pages;
}
