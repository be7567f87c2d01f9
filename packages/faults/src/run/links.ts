/**
 * The links between the processes of a cluster, with proxies, or with packet filters between hosts, that
 * inject faults.
 */
import { HostNetwork, type ClusterOptions } from '@trireme/cluster';
import { CLIENTS, FaultNetwork } from '../proxy/fault-network.js';
import type { FaultEnvironment } from './fault-environment.js';

/** The parts of a scenario that determine its links. */
interface LinkOptions {
  readonly cluster?: Pick<ClusterOptions, 'replicas' | 'frontends' | 'catalogs'>;
  /** Host of each process, by its name; if absent, links run through proxies. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Number of replicas and of catalogs that may join later. */
  readonly joiningReplicas?: number;
  readonly joiningCatalogs?: number;
}

export interface ClusterLinks {
  /** Null if processes are on separate hosts. */
  readonly proxies: FaultNetwork | null;
  /** Null if links run through proxies. */
  readonly hosts: HostNetwork | null;
  /** Options for the start of the cluster. */
  readonly options: Pick<ClusterOptions, 'route' | 'advertise' | 'address' | 'wrapper'>;
  /** Returns the URL at which clients reach a front-end that listens at `url`. */
  readonly clientUrl: (frontend: string, url: string) => string;
  readonly close: () => Promise<void>;
}

/**
 * Opens the links of a scenario.
 * @param environments fault environments of processes, by name; may change later
 */
export async function openLinks(
  plan: LinkOptions,
  environments: ReadonlyMap<string, FaultEnvironment>,
  seed: number,
): Promise<ClusterLinks> {
  const wrapperOf = (name: string): readonly string[] => environments.get(name)?.wrapper ?? [];
  const { hosts: placed } = plan;
  if (placed !== undefined) {
    const hostOf = (name: string): string => placed[name] ?? name;
    const hosts = await HostNetwork.open([...new Set(Object.values(placed))]);
    return {
      proxies: null,
      hosts,
      options: {
        address: (name) => hosts.addressOf(hostOf(name)),
        wrapper: (name) => [...hosts.wrapper(hostOf(name)), ...wrapperOf(name)],
      },
      clientUrl: (_, url) => url,
      close: async () => hosts.close(),
    };
  }
  const { replicas = 3, frontends = 2, catalogs = 2 } = plan.cluster ?? {};
  const { joiningReplicas = 0, joiningCatalogs = 0 } = plan;
  const counts = { replicas: replicas + joiningReplicas, frontends, catalogs: catalogs + joiningCatalogs };
  const proxies = await FaultNetwork.open(counts, seed);
  return {
    proxies,
    hosts: null,
    options: {
      route: (from, to, url) => proxies.route(from, to, url),
      advertise: (name, url) => proxies.advertise(name, url),
      wrapper: wrapperOf,
    },
    clientUrl: (frontend, url) => proxies.route(CLIENTS, frontend, url),
    close: async () => proxies.close(),
  };
}
