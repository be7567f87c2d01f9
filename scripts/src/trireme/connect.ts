/** Finds the group that a command is about: where it is told that its replicas are, or by a cluster's data folder. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { readClusterFile, readSecret } from '@trireme/cluster';
import { ControlClient } from '../control/client.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { GroupClient } from './group-client.js';
import { HostByHand, SupervisedHost, type Host } from './hosts.js';

/** Options that every command takes. */
export interface CommonOptions {
  readonly data: string;
  /** Internal ports; the data folder is not looked at where they are given. */
  readonly replicas?: readonly string[];
  readonly secretFile?: string;
  readonly json: boolean;
}

export interface Connection {
  readonly client: GroupClient;
  readonly secret: string;
  readonly host: Host;
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
    const secret = options.secretFile === undefined ? '' : secretIn(options.secretFile);
    const client = new GroupClient(() => replicas, secret);
    return { client, secret, host: new HostByHand(client, tell, given), tell };
  }
  const dataDir = resolve(options.data);
  if (readClusterFile(dataDir) === null) {
    throw new CommandError(
      COMMAND_EXIT.usage,
      `no cluster has run on ${dataDir}: give --data, or --replicas and --secret-file`,
    );
  }
  const secret = options.secretFile === undefined ? readSecret(dataDir) : secretIn(options.secretFile);
  const client = new GroupClient(() => replicaUrls(dataDir), secret);
  const control = ControlClient.of(dataDir);
  return { client, secret, host: new SupervisedHost({ dataDir, control, client, tell }), tell };
}

/** Reads `URL,URL`; each may have its replica's name before it, `1=URL`, as the processes' own flag has. */
export function parseUrls(text: string): readonly string[] {
  const urls = text.split(',').map((item) => item.replace(/^[^=/]+=/, '').replace(/\/$/, ''));
  if (urls.every((url) => URL.canParse(url) && /^http:/.test(url))) return urls;
  throw new InvalidArgumentError('It must be URLs, such as http://127.0.0.1:8191,http://127.0.0.1:8192.');
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

function secretIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new CommandError(COMMAND_EXIT.usage, `cannot read the secret in ${path}`, { cause: error });
  }
}
