/**
 * `npm run ports`: every port that the processes of the running cluster listen on, as the system tells it, and what
 * each answers to somebody on this machine who knows no secret.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { Command } from 'commander';
import { readClusterFile } from '@trireme/cluster';
import { DATA_DEFAULT, dataFolder, runScript } from './command-line.js';
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
async function answerOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return String(response.status);
  } catch {
    return 'none';
  }
}

async function scan({ data }: { data: string }): Promise<void> {
  const cluster = readClusterFile(dataFolder(data));
  if (cluster === null) throw new Error(`no cluster has run on ${data}: start one with npm start`);
  const table = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFileSync(file, 'utf8')).join('\n');
  console.log(['process', 'listens on', ...PATHS].join('\t'));
  const tell = async (name: string, host: string, port: number): Promise<void> => {
    const answers = await Promise.all(PATHS.map(async (path) => answerOf(`http://127.0.0.1:${port}${path}`)));
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
