/** Routes of a replica's internal port that show the catalog set and let an operator change it. */
import type { InternalServerOptions } from '@trireme/service';
import { requireLeader, withTimeLimit, type LeaderView } from './group-routes.js';
import { parseCatalogChange, type CatalogChange } from '../rules/leader/catalog-set.js';

/** One catalog of the set, as `GET /catalogs` shows it. */
export interface CatalogInfo {
  readonly id: string;
  /** URL of its internal port, as it reported it; null if it is not linked to this replica. */
  readonly url: string | null;
  readonly linked: boolean;
  /** Whether it may answer look-ups; null if this replica does not lead. */
  readonly hasAuthority: boolean | null;
}

/** The catalog set as one replica knows it. */
export interface CatalogSetControl {
  describe(): {
    /** Log index of the entry that set the catalog set, 0 if none did. */
    readonly index: number;
    readonly catalogs: readonly CatalogInfo[];
  };
  /**
   * Changes the set if this replica leads; resolves once the change is committed.
   * @throws TriremeError `BAD_MEMBERSHIP`, `CHANGE_PENDING`, `QUORUM_UNREACHABLE` or `UNAVAILABLE`: no effect;
   *   `OUTCOME_UNKNOWN`: the change may still be committed.
   */
  change(change: CatalogChange): Promise<void>;
}

interface CatalogSetView extends LeaderView {
  readonly set: CatalogSetControl;
}

/** The routes of an internal port that show and change the catalog set. */
export function catalogsRoutes(
  view: CatalogSetView,
): Required<Pick<InternalServerOptions, 'routes' | 'actions'>> {
  return {
    routes: {
      '/catalogs': async (_, response) => {
        const text = JSON.stringify(describe(view));
        response
          .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
          .end(text);
        return Promise.resolve();
      },
    },
    actions: { '/catalogs': async (body) => change(view, body) },
  };
}

function describe({ node, set }: CatalogSetView): object {
  const { id, role, term, leader } = node.status();
  return { self: id, role, term, leader, ...set.describe() };
}

/**
 * Handles `POST /catalogs`: answers once the change is committed.
 * @throws TriremeError `NOT_LEADER` naming the leader, `INVALID_REQUEST`; errors of `CatalogSetControl.change`.
 */
async function change(view: CatalogSetView, body: unknown): Promise<object> {
  const requested = parseCatalogChange(body);
  requireLeader(view);
  await withTimeLimit('GET /catalogs', view.set.change(requested));
  return describe(view);
}
