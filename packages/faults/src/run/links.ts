/** The links between the processes of one cluster, as they may be broken: by proxies, or between hosts by packet filters. */
import { HostNetwork, type ClusterOptions } from '@trireme/cluster';
import { CLIENTS, FaultNetwork } from '../proxy/fault-network.js';
import type { Hindrance } from './hindrance.js';

/** What a scenario says of its links. */
interface LinkPlan {
  readonly cluster?: Pick<ClusterOptions, 'replicas' | 'frontends' | 'catalogs'>;
  /** Host of each process, by its name; without them links run through proxies. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Replicas and catalogs that may join later. */
  readonly joining?: number;
  readonly joiningCatalogs?: number;
}

export interface Links {
  /** Null where processes are on hosts. */
  readonly proxies: FaultNetwork | null;
  /** Null where all processes are on this machine. */
  readonly hosts: HostNetwork | null;
  /** How the cluster has to be started. */
  readonly options: Pick<ClusterOptions, 'route' | 'advertise' | 'address' | 'wrapper'>;
  /** Where clients reach a front-end that listens at `url`. */
  readonly clientUrl: (frontend: string, url: string) => string;
  readonly close: () => Promise<void>;
}

/** Opens what a scenario asks for. @param hindrances what each process is to be started with besides. */
export async function openLinks(
  plan: LinkPlan,
  hindrances: ReadonlyMap<string, Hindrance>,
  seed: number,
): Promise<Links> {
  const wrapperOf = (name: string): readonly string[] => hindrances.get(name)?.wrapper ?? [];
  const { hosts: placed } = plan;
  if (placed !== undefined) {
    const hostOf = (name: string): string => placed[name] ?? name;
    const hosts = await HostNetwork.open([...new Set(Object.values(placed))]);
    return {
      ...{ proxies: null, hosts },
      options: {
        address: (name) => hosts.addressOf(hostOf(name)),
        wrapper: (name) => [...hosts.wrapper(hostOf(name)), ...wrapperOf(name)],
      },
      clientUrl: (_, url) => url,
      close: async () => hosts.close(),
    };
  }
  const { replicas = 3, frontends = 2, catalogs = 2 } = plan.cluster ?? {};
  const { joining = 0, joiningCatalogs = 0 } = plan;
  const counts = { replicas: replicas + joining, frontends, catalogs: catalogs + joiningCatalogs };
  const proxies = await FaultNetwork.open(counts, seed);
  return {
    ...{ proxies, hosts: null },
    options: {
      route: (from, to, url) => proxies.route(from, to, url),
      advertise: (name, url) => proxies.advertise(name, url),
      wrapper: wrapperOf,
    },
    clientUrl: (frontend, url) => proxies.route(CLIENTS, frontend, url),
    close: async () => proxies.close(),
  };
}
