/** `trireme catalogs`: shows and changes the catalog set. Each command may be interrupted and run again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CatalogState, CatalogSetState } from '@trireme/cluster';
import type { CatalogHost } from './catalog-hosts.js';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { isChangeRefusal, refusalError, type CatalogChange, type GroupClient } from './group-client.js';
import { formatTable } from '../table.js';

const POLL_MS = 100;

export interface CatalogsOptions {
  readonly client: GroupClient;
  readonly host: CatalogHost;
  /** Receives each step as a line. */
  readonly onProgress: (line: string) => void;
  /** Time limit in milliseconds; running the command again continues the change. */
  readonly timeoutMs: number;
}

/** Adds a catalog to the set, and starts it if a supervisor runs the cluster. */
export async function addCatalog(id: string, options: CatalogsOptions): Promise<CatalogSetState> {
  // The set changes first: the leader refuses catalogs that are not in it.
  await changeSet({ add: id }, options);
  await options.host.ensureRunning(id);
  return options.client.catalogs();
}

/** Removes a catalog from the set, and stops it if a supervisor runs the cluster. */
export async function removeCatalog(id: string, options: CatalogsOptions): Promise<CatalogSetState> {
  const set = await changeSet({ remove: id }, options);
  await options.host.stop(id);
  return set;
}

/**
 * Changes the set through the leader, unless it already has the change.
 * @throws CommandError `refused`, `unavailable`, or `incomplete` after `timeoutMs`.
 */
async function changeSet(change: CatalogChange, options: CatalogsOptions): Promise<CatalogSetState> {
  const { client, timeoutMs, onProgress } = options;
  const until = performance.now() + timeoutMs;
  for (let isAnnounced = false; ; isAnnounced = true) {
    const set = await client.catalogs();
    if (isDone(set, change)) return set;
    if (!isAnnounced)
      onProgress(
        'add' in change ? `adding ${change.add} to the set` : `removing ${change.remove} from the set`,
      );
    const refusal = await client.changeCatalogs(change);
    if (refusal === null) continue;
    if (isChangeRefusal(refusal) && !isDone(await client.catalogs(), change))
      throw refusalError(set.self, refusal);
    if (performance.now() > until)
      throw new CommandError(
        COMMAND_EXIT.incomplete,
        `not done after ${timeoutMs / 1000} s (${refusal.message}): run the same command again`,
      );
    await delay(POLL_MS);
  }
}

function isDone({ catalogs }: CatalogSetState, change: CatalogChange): boolean {
  const has = (id: string): boolean => catalogs.some((catalog) => catalog.id === id);
  return 'add' in change ? has(change.add) : !has(change.remove);
}

/** Formats the set as a table. */
export function formatCatalogs(catalogs: readonly CatalogState[]): string {
  if (catalogs.length === 0) return 'no catalogs: the leader answers look-ups';
  const rows = catalogs.map(({ id, linked, hasAuthority, url }) => [
    id,
    linked ? 'yes' : 'no',
    hasAuthority === null ? '-' : hasAuthority ? 'yes' : 'no',
    url ?? '-',
  ]);
  return formatTable([['catalog', 'linked', 'authority', 'url'], ...rows]);
}
