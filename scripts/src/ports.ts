/**
 * `npm run ports`: every port that the processes of the running cluster listen on, as the system tells it, and what
 * each answers to somebody on this machine who knows no secret.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { Command } from 'commander';
import { InternalCalls, operatorTls, readClusterFile } from '@trireme/cluster';
import { DATA_DEFAULT, userPath, runScript } from './command-line.js';
import { listeningPorts } from './ports/proc-net.js';

const PATHS = ['/livez', '/readyz', '/status', '/metrics', '/export', '/stocks/AAPL', '/raft', '/kill'];

/** Sockets that a process holds, by inode. */
function socketsOf(pid: number): ReadonlySet<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // It was closed just now.
      return '';
    }
  });
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** What a request without any secret gets: the HTTP status, or that there was none. */
async function answerOf(url: string, stranger: InternalCalls): Promise<string> {
  try {
    const response = await stranger.open(url, AbortSignal.timeout(2_000));
    await response.arrayBuffer();
    return String(response.status);
  } catch {
    return 'none';
  }
}

async function scan({ data }: { data: string }): Promise<void> {
  const dataDir = userPath(data);
  const cluster = readClusterFile(dataDir);
  if (cluster === null) throw new Error(`no cluster has run on ${data}: start one with npm start`);
  const table = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFileSync(file, 'utf8')).join('\n');
  console.log(['process', 'listens on', ...PATHS].join('\t'));
  // Who trusts the authority and has no certificate, so that it gets as far as an answer.
  const tls = operatorTls(dataDir);
  const stranger = new InternalCalls({
    secret: null,
    tls: tls === null ? null : { ca: tls.ca, cert: '', key: '' },
  });
  const tell = async (name: string, host: string, port: number): Promise<void> => {
    const isPublic = name === 'npm start' || name.startsWith('frontend');
    const scheme = tls === null || isPublic ? 'http' : 'https';
    const at = `${scheme}://127.0.0.1:${port}`;
    const answers = await Promise.all(PATHS.map(async (path) => answerOf(at + path, stranger)));
    console.log([name, `${host}:${port}`, ...answers].join('\t'));
  };
  for (const { id, pid } of cluster.processes) {
    if (pid === null) continue;
    for (const { host, port } of listeningPorts(table, socketsOf(pid))) await tell(id, host, port);
  }
  await tell('npm start', '127.0.0.1', Number(new URL(cluster.control).port));
}

const command = new Command('npm run ports --')
  .description('What listens, and what it answers to who knows no secret.')
  .option('--data <folder>', "the cluster's data folder", DATA_DEFAULT)
  .action(scan);

await runScript(command);
