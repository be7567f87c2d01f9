/** The set of catalogs as a replica tells of it, and its change by an operator: on the internal port, with the cluster's secret. */
import { TriremeError } from '@trireme/domain';
import type { InternalServerOptions } from '@trireme/service';
import { checkLeads, within, type LeaderView } from './group.js';
import { parseCatalogChange, type CatalogChange } from './rules/catalog-set.js';

/** One catalog of the set, as `GET /catalogs` shows it. */
export interface CatalogAnswer {
  readonly id: string;
  /** Its internal port, as it said itself; null where it is not linked to this replica. */
  readonly url: string | null;
  readonly linked: boolean;
  /** Whether it may answer look-ups; null where this replica does not lead. */
  readonly hasAuthority: boolean | null;
}

/** The set of catalogs as one replica knows it. */
export interface CatalogSet {
  describe(): {
    /** Log index of the entry that names the set, 0 if none does. */
    readonly index: number;
    readonly catalogs: readonly CatalogAnswer[];
  };
  /**
   * Changes the set, if this replica leads; resolves once the change is committed.
   * @throws TriremeError `BAD_MEMBERSHIP`, `CHANGE_PENDING`, `QUORUM_UNREACHABLE` or `UNAVAILABLE`: it had no effect;
   *   `OUTCOME_UNKNOWN`: it may yet come about.
   */
  change(change: CatalogChange): Promise<void>;
}

interface Sources {
  /** Both give null while the replica is starting. */
  readonly raft: () => LeaderView['node'] | null;
  readonly catalogs: () => CatalogSet | null;
  readonly addresses: LeaderView['addresses'];
}

interface Known extends LeaderView {
  readonly set: CatalogSet;
}

/** The routes of an internal port that are about the set of catalogs. */
export function catalogsRoutes({
  raft,
  addresses,
  catalogs,
}: Sources): Required<Pick<InternalServerOptions, 'routes' | 'actions'>> {
  const known = (): Known => {
    const [node, set] = [raft(), catalogs()];
    if (node === null || set === null) throw new TriremeError('UNAVAILABLE', 'the replica is starting');
    return { node, addresses, set };
  };
  return {
    routes: {
      '/catalogs': async (_, response) => {
        const text = JSON.stringify(describe(known()));
        response
          .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
          .end(text);
        return Promise.resolve();
      },
    },
    actions: { '/catalogs': async (body) => change(known(), body) },
  };
}

function describe({ node, set }: Known): object {
  const { id, role, term, leader } = node.status();
  return { ...{ self: id, role, term, leader }, ...set.describe() };
}

/**
 * Does `POST /catalogs`: answers once the change is committed.
 * @throws TriremeError `NOT_LEADER` naming who leads, `INVALID_REQUEST`; what `CatalogSet.change` throws.
 */
async function change(known: Known, body: unknown): Promise<object> {
  const asked = parseCatalogChange(body);
  checkLeads(known);
  await within('GET /catalogs', known.set.change(asked));
  return describe(known);
}
