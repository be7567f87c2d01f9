/**
 * `trireme ports`: lists every port on which the processes of the running cluster listen, according to the kernel, and
 * what each answers to a local client without the secret.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { Command, Option } from 'commander';
import { InternalClient, operatorTls, readClusterFile } from '@trireme/cluster';
import { DATA_DEFAULT, resolveUserPath } from '../command-line.js';
import { listeningPorts } from './proc-net.js';

const PATHS = ['/livez', '/readyz', '/status', '/metrics', '/export', '/stocks/AAPL', '/raft', '/kill'];

/** Inodes of a process's sockets. */
function socketsOf(pid: number): ReadonlySet<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // The descriptor has just been closed.
      return '';
    }
  });
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** HTTP status that a request without the secret gets, `none` if there is no answer. */
async function answerOf(url: string, stranger: InternalClient): Promise<string> {
  try {
    const response = await stranger.openStream(url, AbortSignal.timeout(2_000));
    await response.arrayBuffer();
    return String(response.status);
  } catch {
    return 'none';
  }
}

interface ListeningPort {
  readonly process: string;
  readonly host: string;
  readonly port: number;
  /** What each path answers: an HTTP status, or `none`. */
  readonly answers: Readonly<Record<string, string>>;
}

async function scanPorts(dataDir: string, onPort: (found: ListeningPort) => void): Promise<void> {
  const cluster = readClusterFile(dataDir);
  if (cluster === null) throw new Error(`${dataDir} has no cluster: start one with npm start`);
  const table = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFileSync(file, 'utf8')).join('\n');
  // The client trusts the authority but has no certificate, so that the handshake succeeds and it gets an answer.
  const tls = operatorTls(dataDir);
  const stranger = new InternalClient({
    secret: null,
    tls: tls === null ? null : { ca: tls.ca, cert: '', key: '' },
  });
  const probe = async (name: string, host: string, port: number): Promise<void> => {
    const isPublic = name === 'npm start' || name.startsWith('frontend');
    const scheme = tls === null || isPublic ? 'http' : 'https';
    const at = `${scheme}://127.0.0.1:${port}`;
    const answers = await Promise.all(
      PATHS.map(async (path) => [path, await answerOf(at + path, stranger)] as const),
    );
    onPort({ process: name, host, port, answers: Object.fromEntries(answers) });
  };
  for (const { id, pid } of cluster.processes) {
    if (pid === null) continue;
    for (const { host, port } of listeningPorts(table, socketsOf(pid))) await probe(id, host, port);
  }
  await probe('npm start', '127.0.0.1', Number(new URL(cluster.control).port));
}

async function ports({ data, json }: { data: string; json: boolean }): Promise<void> {
  const dataDir = resolveUserPath(data);
  if (json) {
    const found: ListeningPort[] = [];
    await scanPorts(dataDir, (port) => found.push(port));
    console.log(JSON.stringify(found, null, 2));
    return;
  }
  console.log(['process', 'listens on', ...PATHS].join('\t'));
  await scanPorts(dataDir, ({ process: name, host, port, answers }) =>
    console.log([name, `${host}:${port}`, ...Object.values(answers)].join('\t')),
  );
}

export function portsCommand(): Command {
  return new Command('ports')
    .summary('Lists the ports of the running cluster and what each answers without the secret.')
    .description(
      'Lists the ports of the running cluster of npm start, and the HTTP status that each returns to a client without ' +
        'the secret. Requires Linux.',
    )
    .addOption(
      new Option('--data <folder>', 'data folder of the cluster').env('TRIREME_DATA').default(DATA_DEFAULT),
    )
    .addOption(new Option('--json', 'print the result as JSON').env('TRIREME_JSON').default(false))
    .addHelpText(
      'after',
      `
Exit codes:
  0   success
  1   the folder has no cluster, or the ports cannot be read
  64  invalid command line`,
    )
    .action(ports);
}
