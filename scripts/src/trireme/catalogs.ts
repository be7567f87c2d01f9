/** `trireme catalogs`: the set of catalogs, and its change, each as one command that may be interrupted and run again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Catalog, CatalogSet } from '@trireme/cluster';
import type { CatalogHost } from './catalog-hosts.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { isChangeRefusal, refusedBy, type CatalogChange, type GroupClient } from './group-client.js';
import { formatTable } from './table.js';

const POLL_MS = 100;

export interface CatalogsOptions {
  readonly client: GroupClient;
  readonly host: CatalogHost;
  /** Gets each step as a line. */
  readonly tell: (line: string) => void;
  /** Milliseconds after which it is left as it is, for the next time. */
  readonly msMax: number;
}

/** Adds a catalog to the set, and starts it where a supervisor runs the cluster. */
export async function addCatalog(id: string, options: CatalogsOptions): Promise<CatalogSet> {
  // The set first: a leader refuses catalogs that are not in it.
  await changeSet({ add: id }, options);
  await options.host.run(id);
  return options.client.catalogs();
}

/** Removes a catalog from the set, and stops it where a supervisor runs the cluster. */
export async function removeCatalog(id: string, options: CatalogsOptions): Promise<CatalogSet> {
  const set = await changeSet({ remove: id }, options);
  await options.host.retire(id);
  return set;
}

/**
 * Has the leader change the set, unless that is the case already.
 * @throws CommandError `refused`, `unavailable`, or `again` when the time is over.
 */
async function changeSet(change: CatalogChange, options: CatalogsOptions): Promise<CatalogSet> {
  const { client, msMax, tell } = options;
  const until = performance.now() + msMax;
  for (let hasTold = false; ; hasTold = true) {
    const set = await client.catalogs();
    if (isDone(set, change)) return set;
    if (!hasTold)
      tell('add' in change ? `adding ${change.add} to the set` : `removing ${change.remove} from the set`);
    const refusal = await client.changeCatalogs(change);
    if (refusal === null) continue;
    if (isChangeRefusal(refusal) && !isDone(await client.catalogs(), change))
      throw refusedBy(set.self, refusal);
    if (performance.now() > until)
      throw new CommandError(
        COMMAND_EXIT.again,
        `not done after ${msMax / 1000} s, as ${refusal.message}: run it again`,
      );
    await delay(POLL_MS);
  }
}

function isDone({ catalogs }: CatalogSet, change: CatalogChange): boolean {
  const has = (id: string): boolean => catalogs.some((catalog) => catalog.id === id);
  return 'add' in change ? has(change.add) : !has(change.remove);
}

/** The set for people. */
export function formatCatalogs(catalogs: readonly Catalog[]): string {
  if (catalogs.length === 0) return 'no catalogs: the leader answers look-ups';
  const rows = catalogs.map(({ id, linked, hasAuthority, url }) => [
    ...[id, linked ? 'yes' : 'no', hasAuthority === null ? '-' : hasAuthority ? 'yes' : 'no', url ?? '-'],
  ]);
  return formatTable([['catalog', 'linked', 'authority', 'url'], ...rows]);
}
