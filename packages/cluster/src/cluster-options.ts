/** Options of a cluster on this machine. */
import type { LogLevel } from './rules/log-line.js';
import type { ProcessRole } from './data/cluster-file.js';
import type { PeerRoute } from './processes/process-plan.js';

/** Options of a cluster. */
export interface ClusterOptions {
  /** Data folder, kept between runs; created if missing. */
  readonly dataDir: string;
  /** Base port from which all ports are derived (default 8080). */
  readonly port?: number;
  /** Number of replicas of a new cluster: 3, 5, or 1 for tests (default 3). An existing cluster keeps its replicas. */
  readonly replicas?: number;
  /** Number of catalogs of a new cluster: 0 to 16 (default 2). An existing cluster keeps its catalogs. */
  readonly catalogs?: number;
  /** Number of front-ends, 1 to 16 (default 1). */
  readonly frontends?: number;
  /** Number of stocks that each front-end caches (default 5); null for no cache. */
  readonly cacheSize?: number | null;
  /** Time limit of a client request, in milliseconds (default 5000). */
  readonly deadlineMs?: number;
  /** JSON file with the stocks of a new cluster, instead of the built-in ones. An existing cluster ignores it. */
  readonly seedFile?: string;
  /** Mutual TLS on the internal ports of a new cluster (default false). An existing cluster keeps its choice. */
  readonly tls?: boolean;
  /** Empties the data folder first (default false). */
  readonly fresh?: boolean;
  /** Lowest level that the processes log (default `info`). */
  readonly logLevel?: string;
  /** Scripts that replace those of the packages, by role. */
  readonly programs?: Readonly<Partial<Record<ProcessRole, string>>>;
  /** Variables for one process, added to those of this process; called at each start. */
  readonly env?: (name: string) => Readonly<Record<string, string>>;
  /** Command that runs a process in its own pid, for example `prlimit --nofile=64`; called at each start. */
  readonly wrapper?: (name: string) => readonly string[];
  /** IPv4 address on which a process listens, for example on a host of a `HostNetwork` (default loopback). */
  readonly address?: (name: string) => string;
  /** URL at which a replica reaches a peer, for example that of a proxy (default: where the peer listens). */
  readonly route?: PeerRoute;
  /** URL that all processes use for the internal port of a replica or a catalog (default: where it listens). */
  readonly advertise?: (name: string, url: string) => string;
  /** Receives each line for the console. It must not block. */
  readonly output: (line: string) => void;
  /**
   * Receives the output of the processes, line by line, as `[replica-1] INFO ...`. `level` is null for a line that is not
   * a log line. Default: `output`.
   */
  readonly processOutput?: (line: string, level: LogLevel | null) => void;
}
