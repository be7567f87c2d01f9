/**
 * Renders the static pages once, in a separate thread: hono/jsx renders inside an `AsyncLocalStorage`, and
 * after its first use Node (before 24) calls a hook for every promise of that thread, which would slow down
 * every order.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PageProps } from '../dashboard/page.js';

/** Complete HTML pages. */
export interface Pages {
  readonly dashboard: string;
  readonly docs: string;
}

/** Renders the pages. @throws any error of the rendering. */
export async function renderPages(props: PageProps): Promise<Pages> {
  const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: props });
  const [pages] = (await once(worker, 'message')) as [Pages];
  return pages;
}
