/** What a cluster on this machine may be told. */
import type { Role } from './cluster-file.js';
import type { Route } from './process-plan.js';

/** What a cluster is made of. */
export interface ClusterOptions {
  /** Made if it is not there; kept between runs. */
  readonly dataDir: string;
  /** Base port, 8080 unless set; the others are derived from it. */
  readonly port?: number;
  /** Of a new cluster: 3 unless set; 5, or 1 for tests. One that ran before has those that it had. */
  readonly replicas?: number;
  /** Of a new cluster: 0 to 16, 2 unless set. One that ran before has those that it had. */
  readonly catalogs?: number;
  /** 1 to 16, 1 unless set. */
  readonly frontends?: number;
  /** Stocks that each front-end caches, 5 unless set; null for no cache. */
  readonly cacheSize?: number | null;
  /** Milliseconds that a client's request may take, 5000 unless set. */
  readonly deadlineMs?: number;
  /** Stocks that a new cluster begins with, instead of the built-in ones; one that ran before goes on as it began. */
  readonly seedFile?: string;
  /** Mutual TLS on the internal ports of a new cluster; one that ran before goes on as it began. */
  readonly tls?: boolean;
  /** Begins with an empty data folder. */
  readonly fresh?: boolean;
  /** Least level that the processes log, `info` unless set. */
  readonly logLevel?: string;
  /** Other scripts to run than the packages' own, by role. */
  readonly programs?: Readonly<Partial<Record<Role, string>>>;
  /** Variables for one process, beside those of this one; asked for at each start. */
  readonly env?: (name: string) => Readonly<Record<string, string>>;
  /** What runs a process, such as `prlimit --nofile=64`, in its own pid; asked for at each start. */
  readonly wrapper?: (name: string) => readonly string[];
  /** IPv4 address on which a process listens, as on a host of a `HostNetwork`; loopback unless set. */
  readonly address?: (name: string) => string;
  /** Where one replica is to reach a peer, instead of where that one listens: a proxy between the two. */
  readonly route?: Route;
  /** Where all are told that the internal port of a replica or a catalog is, instead of where it listens. */
  readonly advertise?: (name: string, url: string) => string;
  /** Gets each line for the console. It must not wait for whoever reads there. */
  readonly output: (line: string) => void;
}
