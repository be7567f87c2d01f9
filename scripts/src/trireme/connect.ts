/** Finds the group that a command is about: where it is told that its replicas are, or by a cluster's data folder. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { InternalCalls, operatorTls, readClusterFile, readSecret } from '@trireme/cluster';
import { isCatalogId } from '@trireme/domain';
import { messageOf, npmScript, parseSecret, readCertificate, type TlsMaterial } from '@trireme/service';
import { userPath } from '../command-line.js';
import { ControlClient } from '../control/client.js';
import { CatalogsByHand, SupervisedCatalogs, type CatalogHost } from './catalog-hosts.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { GroupClient } from './group-client.js';
import { HostByHand, SupervisedHost, type Host } from './hosts.js';

/** Options that every command takes. */
export interface CommonOptions {
  readonly data: string;
  /** Internal ports; the data folder is not looked at where they are given. */
  readonly replicas?: readonly string[];
  readonly secretFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly json: boolean;
}

export interface Connection {
  readonly client: GroupClient;
  readonly calls: InternalCalls;
  readonly host: Host;
  readonly catalogHost: CatalogHost;
  readonly tell: (line: string) => void;
}

/**
 * @param given where a replica that joins is, if nobody starts it but its operator
 * @throws CommandError `usage` where there is no such group.
 */
export function connect(options: CommonOptions, given: { url?: string; peerUrl?: string } = {}): Connection {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const { replicas } = options;
  if (replicas !== undefined) {
    const secret = options.secretFile === undefined ? null : readSecretFile(options.secretFile);
    const calls = callsTo(replicas, secret, tlsIn(options));
    const client = new GroupClient(() => replicas, calls);
    const [host, catalogHost] = [new HostByHand(client, tell, given), new CatalogsByHand(tell)];
    return { client, calls, host, catalogHost, tell };
  }
  const dataDir = userPath(options.data);
  if (readClusterFile(dataDir) === null) {
    throw new CommandError(
      COMMAND_EXIT.usage,
      `no cluster has run on ${dataDir}: give --data, or --replicas and --secret-file, or start one: ${npmScript('start')}`,
    );
  }
  const secret = options.secretFile === undefined ? readSecret(dataDir) : readSecretFile(options.secretFile);
  const calls = callsTo(replicaUrls(dataDir), secret, tlsIn(options) ?? operatorTls(dataDir));
  const client = new GroupClient(() => replicaUrls(dataDir), calls);
  const control = ControlClient.of(dataDir);
  const host = new SupervisedHost({ dataDir, control, client, tell });
  return { client, calls, host, catalogHost: new SupervisedCatalogs({ dataDir, control, tell }), tell };
}

/** Reads `URL,URL`; each may have its replica's name before it, `1=URL`, as the processes' own flag has. */
export function parseUrls(text: string): readonly string[] {
  const urls = text.split(',').map((item) => item.replace(/^[^=/]+=/, '').replace(/\/$/, ''));
  if (urls.every((url) => URL.canParse(url) && /^https?:/.test(url))) return urls;
  throw new InvalidArgumentError('It must be URLs, such as http://127.0.0.1:8191,http://127.0.0.1:8192.');
}

/** Reads the id of a catalog, such as `catalog-3`, or its number. */
export function parseCatalog(text: string): string {
  const id = /^[1-9]\d?$/.test(text) ? `catalog-${text}` : text;
  if (isCatalogId(id)) return id;
  throw new InvalidArgumentError('It must be the id of a catalog, such as catalog-3.');
}

export function parseUrl(text: string): string {
  const [url, ...more] = parseUrls(text);
  if (url !== undefined && more.length === 0) return url;
  throw new InvalidArgumentError('It must be one URL.');
}

/** Reads `2` or `replica-2` as the name of a replica. */
export function parseReplica(text: string): string {
  const name = text.replace(/^replica-/, '');
  if (/^[A-Za-z0-9_-]{1,55}$/.test(name)) return name;
  throw new InvalidArgumentError('It must be the name of a replica, such as 2.');
}

function replicaUrls(dataDir: string): readonly string[] {
  const { processes } = readClusterFile(dataDir) ?? { processes: [] };
  return processes.filter(({ role }) => role === 'replica').map(({ url }) => url);
}

/** @throws CommandError `usage` where urls and certificates do not go together. */
function callsTo(urls: readonly string[], secret: string | null, tls: TlsMaterial | null): InternalCalls {
  const odd = urls.find((url) => url.startsWith('https:') !== (tls !== null));
  if (odd === undefined) return new InternalCalls({ secret, tls });
  throw new CommandError(
    COMMAND_EXIT.usage,
    tls === null
      ? `${odd} needs certificates: give --tls-ca, --tls-cert and --tls-key`
      : `${odd} is to be https, as there are certificates`,
  );
}

/** Null where no certificates are given. @throws CommandError `usage` for some of the three, or one that cannot be read. */
function tlsIn({ tlsCa: ca, tlsCert: cert, tlsKey: key }: CommonOptions): TlsMaterial | null {
  if (ca === undefined && cert === undefined && key === undefined) return null;
  if (ca === undefined || cert === undefined || key === undefined)
    throw new CommandError(COMMAND_EXIT.usage, '--tls-ca, --tls-cert and --tls-key go together');
  try {
    return readCertificate({ ca: userPath(ca), cert: userPath(cert), key: userPath(key) });
  } catch (error) {
    throw new CommandError(COMMAND_EXIT.usage, `cannot read a certificate: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** @throws CommandError `usage` if the file cannot be read, or holds no secret. */
function readSecretFile(path: string): string {
  try {
    return parseSecret(readFileSync(userPath(path), 'utf8'), path);
  } catch (error) {
    throw new CommandError(COMMAND_EXIT.usage, `--secret-file: ${messageOf(error)}`, { cause: error });
  }
}
