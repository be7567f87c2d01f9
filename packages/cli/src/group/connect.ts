/** Connects a command to its group, by the URLs of replicas or by a cluster's data folder. */
import { readFileSync } from 'node:fs';
import { ControlClient, InternalClient, operatorTls, readClusterFile, secretSource } from '@trireme/cluster';
import {
  errorMessage,
  npmScript,
  parseSecrets,
  readCertificateFiles,
  type Secret,
  type TlsMaterial,
} from '@trireme/service';
import { resolveUserPath } from '../command-line.js';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import type { CommonOptions } from '../options.js';
import { ManualCatalogHost, SupervisedCatalogHost, type CatalogHost } from './catalog-hosts.js';
import { GroupClient } from './group-client.js';
import {
  ManualReplicaHost,
  SupervisedReplicaHost,
  type GivenUrls,
  type ReplicaHost,
} from './replica-hosts.js';

export interface Connection {
  readonly client: GroupClient;
  readonly calls: InternalClient;
  readonly replicaHost: ReplicaHost;
  readonly catalogHost: CatalogHost;
  readonly onProgress: (line: string) => void;
}

/**
 * @param given URLs of a joining replica that the operator starts
 * @throws CommandError `usage` if there is no such group.
 */
export function connectToGroup(options: CommonOptions, given: GivenUrls = {}): Connection {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const { replicas } = options;
  if (replicas !== undefined) {
    const secret = options.secretFile === undefined ? null : readSecretFile(options.secretFile);
    const calls = callsTo(replicas, secret, tlsIn(options));
    const client = new GroupClient(() => replicas, calls);
    const [host, catalogHost] = [new ManualReplicaHost(client, tell, given), new ManualCatalogHost(tell)];
    return { client, calls, replicaHost: host, catalogHost, onProgress: tell };
  }
  const dataDir = resolveUserPath(options.data);
  if (readClusterFile(dataDir) === null) {
    throw new CommandError(
      COMMAND_EXIT.usage,
      `${dataDir} has no cluster: give --data, or --replicas and --secret-file, or start one: ${npmScript('start')}`,
    );
  }
  const secret =
    options.secretFile === undefined ? secretSource(dataDir) : readSecretFile(options.secretFile);
  const calls = callsTo(replicaUrls(dataDir), secret, tlsIn(options) ?? operatorTls(dataDir));
  const client = new GroupClient(() => replicaUrls(dataDir), calls);
  const control = ControlClient.forDataFolder(dataDir);
  const host = new SupervisedReplicaHost({ dataDir, control, client, tell });
  return {
    client,
    calls,
    replicaHost: host,
    catalogHost: new SupervisedCatalogHost({ dataDir, control, tell }),
    onProgress: tell,
  };
}

function replicaUrls(dataDir: string): readonly string[] {
  const { processes } = readClusterFile(dataDir) ?? { processes: [] };
  return processes.filter(({ role }) => role === 'replica').map(({ url }) => url);
}

/** @throws CommandError `usage` if the scheme of a URL does not fit the certificates. */
function callsTo(urls: readonly string[], secret: Secret, tls: TlsMaterial | null): InternalClient {
  const mismatch = urls.find((url) => url.startsWith('https:') !== (tls !== null));
  if (mismatch === undefined) return new InternalClient({ secret, tls });
  throw new CommandError(
    COMMAND_EXIT.usage,
    tls === null
      ? `${mismatch} requires certificates: give --tls-ca, --tls-cert and --tls-key`
      : `${mismatch} must be an https URL, as certificates are given`,
  );
}

/** Null without certificates. @throws CommandError `usage` for an incomplete set, or a file that cannot be read. */
function tlsIn({ tlsCa: ca, tlsCert: cert, tlsKey: key }: CommonOptions): TlsMaterial | null {
  if (ca === undefined && cert === undefined && key === undefined) return null;
  if (ca === undefined || cert === undefined || key === undefined)
    throw new CommandError(COMMAND_EXIT.usage, 'give all of --tls-ca, --tls-cert and --tls-key, or none');
  try {
    return readCertificateFiles({
      ca: resolveUserPath(ca),
      cert: resolveUserPath(cert),
      key: resolveUserPath(key),
    });
  } catch (error) {
    throw new CommandError(COMMAND_EXIT.usage, `cannot use the certificates: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** @throws CommandError `usage` if the file cannot be read or does not contain a secret. */
function readSecretFile(path: string): string {
  try {
    return parseSecrets(readFileSync(resolveUserPath(path), 'utf8'), path)[0];
  } catch (error) {
    throw new CommandError(COMMAND_EXIT.usage, `--secret-file: ${errorMessage(error)}`, { cause: error });
  }
}
