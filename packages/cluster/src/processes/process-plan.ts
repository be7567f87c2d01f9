/** Plans the processes of a cluster and their command lines. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProcessRole } from '../data/cluster-file.js';
import type { DataFolderPaths } from '../data/data-folder.js';
import type { CertificateProvider } from '../data/tls-folder.js';
import type { CatalogPort, PortPlan, ReplicaPorts } from '../rules/ports.js';

/** Inputs of the command lines. */
export interface PlanOptions {
  readonly dataDir: string;
  /** Name of the cluster. */
  readonly cluster: string;
  readonly ports: PortPlan;
  readonly paths: DataFolderPaths;
  /** Stocks that a front-end caches; null for no cache. */
  readonly cacheSize: number | null;
  /** Time limit of a client request, in milliseconds. */
  readonly deadlineMs: number;
  /** Seed file of a new cluster; null for the built-in seed. */
  readonly seedFile: string | null;
  readonly logLevel: string;
  /** Scripts that replace those of the packages. */
  readonly programs: Readonly<Partial<Record<ProcessRole, string>>>;
  /** Returns the certificate of a process; null for plain HTTP. */
  readonly certify: CertificateProvider | null;
  /** IP address on which a process listens. */
  readonly address: (name: string) => string;
  /** URL at which the replica `from` reaches its peer `to`, which listens at `url`. */
  readonly route: PeerRoute;
  /** URL that all processes use for the internal port of `name`, which listens at `url`. */
  readonly advertise: (name: string, url: string) => string;
}

/** Returns the URL at which the replica `from` reaches its peer `to`, which listens at `url`. */
export type PeerRoute = (from: string, to: string, url: string) => string;

/** Plan of one process. */
export interface ProcessPlan {
  readonly role: ProcessRole;
  readonly name: string;
  readonly url: string;
  readonly peerUrl?: string;
  readonly data: string | null;
  /** Script and arguments, for `node`. */
  readonly argv: readonly string[];
}

const PACKAGES: Readonly<Record<ProcessRole, string>> = {
  catalog: 'catalog',
  replica: 'orders',
  frontend: 'frontend',
};

/** URL of an internal port of the process `name`. */
function internalUrl({ certify, address }: PlanOptions, name: string, port: number): string {
  return `${certify === null ? 'http' : 'https'}://${address(name)}:${port}`;
}

/** Plans every process, in the order in which they start: catalogs, replicas, front-ends. */
export function planProcesses(options: PlanOptions): ProcessPlan[] {
  const { ports } = options;
  return [
    ...ports.catalogs.map((catalog) => planCatalog(options, catalog)),
    ...ports.replicas.map((replica) => planReplica(options, replica)),
    ...ports.frontends.map((port, i) => planFrontend(options, i, port)),
  ];
}

/** Plans one catalog. */
export function planCatalog(options: PlanOptions, { id, port }: CatalogPort): ProcessPlan {
  const name = `catalog-${id}`;
  const url = internalUrl(options, name, port);
  const advertised = options.advertise(name, url);
  return {
    role: 'catalog',
    name,
    url,
    data: null,
    argv: [
      ...common(options, 'catalog', { name, id: name, port }),
      ...['--replicas', replicasOf(options)],
      ...(advertised === url ? [] : ['--url', advertised]),
    ],
  };
}

/** Plans one replica. `options.ports` must contain it. */
export function planReplica(options: PlanOptions, { id, port, peerPort }: ReplicaPorts): ProcessPlan {
  const { ports } = options;
  const name = `replica-${id}`;
  const data = join(options.dataDir, name);
  return {
    role: 'replica',
    name,
    url: internalUrl(options, name, port),
    peerUrl: internalUrl(options, name, peerPort),
    data,
    argv: [
      ...common(options, 'replica', { name, id: String(id), port }),
      ...['--data', data, '--peer-port', String(peerPort)],
      ...['--peers', peersOf(options, name)],
      ...['--replicas', replicasOf(options)],
      ...['--catalogs', ports.catalogs.map((catalog) => `catalog-${catalog.id}`).join(',')],
      ...(options.seedFile === null ? [] : ['--seed-file', options.seedFile]),
    ],
  };
}

function planFrontend(options: PlanOptions, i: number, port: number): ProcessPlan {
  const cache = options.cacheSize === null ? ['--no-cache'] : ['--cache-size', String(options.cacheSize)];
  const name = `frontend-${i + 1}`;
  return {
    role: 'frontend',
    name,
    url: `http://${options.address(name)}:${port}`,
    data: null,
    argv: [
      ...common(options, 'frontend', { name, id: name, port }),
      ...['--replicas', replicasOf(options), ...cache],
      ...['--deadline-ms', String(options.deadlineMs), '--operator-token-file', options.paths.operatorToken],
    ],
  };
}

/** Internal URLs of the replicas by id, as `--replicas` takes them. */
function replicasOf(options: PlanOptions): string {
  const entries = options.ports.replicas.map(({ id, port }) => {
    const name = `replica-${id}`;
    return `${id}=${options.advertise(name, internalUrl(options, name, port))}`;
  });
  return entries.join(',');
}

function common(
  options: PlanOptions,
  role: ProcessRole,
  { name, id, port }: { readonly name: string; readonly id: string; readonly port: number },
): string[] {
  const program =
    options.programs[role] ??
    fileURLToPath(new URL(`../../../${PACKAGES[role]}/dist/main.js`, import.meta.url));
  return [
    program,
    ...['--id', id, '--host', options.address(name), '--port', String(port)],
    ...['--cluster', options.cluster, '--secret-file', options.paths.secret],
    ...['--log-level', options.logLevel, '--exit-with-parent'],
    ...tlsFlags(options, name),
  ];
}

function tlsFlags({ certify }: PlanOptions, name: string): string[] {
  if (certify === null) return [];
  const { ca, cert, key } = certify(name);
  return ['--tls-ca', ca, '--tls-cert', cert, '--tls-key', key];
}

/** Peer URLs by id, as `--peers` takes them: those at which `from` reaches its peers, and its own listen URL. */
function peersOf(options: PlanOptions, from: string): string {
  const entries = options.ports.replicas.map(({ id, peerPort }) => {
    const to = `replica-${id}`;
    const at = internalUrl(options, to, peerPort);
    return `${id}=${to === from ? at : options.route(from, to, at)}`;
  });
  return entries.join(',');
}
