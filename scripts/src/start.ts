/** `npm start`: runs a cluster on this machine until Ctrl-C. */
import { join } from 'node:path';
import { Command } from 'commander';
import { DATA_DEFAULT, resolveUserPath, runScript } from '@trireme/cli';
import {
  LocalCluster,
  secretSource,
  serveControl,
  type ClusterOptions,
  type LogLevel,
} from '@trireme/cluster';
import { standardOutput, parseWholeNumber } from '@trireme/service';

/** Under npm one Ctrl-C sends two signals, from the terminal and from npm. Signals within this time count as one. */
const REPEATED_MS_MAX = 500;

interface StartOptions {
  readonly data: string;
  readonly port: number;
  readonly fresh: boolean;
  readonly tls: boolean;
  /** Number for a new cluster; for an existing one it must match. */
  readonly replicas?: number;
  /** Number for a new cluster; for an existing one it must match. */
  readonly catalogs?: number;
  readonly frontends: number;
  readonly cacheSize: number;
  /** False with `--no-cache`. */
  readonly cache: boolean;
  readonly deadlineMs: number;
  readonly seedFile?: string;
  readonly logLevel: string;
  readonly verbose: boolean;
}

function clusterOptions(
  options: StartOptions,
  outputs: Pick<ClusterOptions, 'output' | 'processOutput'>,
): ClusterOptions {
  const { port, replicas, catalogs, frontends, fresh, tls, deadlineMs, seedFile, logLevel } = options;
  return {
    dataDir: resolveUserPath(options.data),
    ...outputs,
    port,
    frontends,
    fresh,
    tls,
    deadlineMs,
    logLevel,
    cacheSize: options.cache ? options.cacheSize : null,
    ...(replicas === undefined ? {} : { replicas }),
    ...(catalogs === undefined ? {} : { catalogs }),
    ...(seedFile === undefined ? {} : { seedFile: resolveUserPath(seedFile) }),
  };
}

async function start(options: StartOptions): Promise<void> {
  const console = standardOutput((lines) => `!!! dropped ${lines} lines: standard output is not being read`);
  const print = (line: string): void => console.write(line);
  // While the cluster starts or stops, processes warn of peers that are not up: only errors are worth a line then.
  let isRunning = false;
  const isShown = (level: LogLevel | null): boolean =>
    options.verbose ||
    level === null ||
    level === 'error' ||
    level === 'fatal' ||
    (level === 'warn' && isRunning);
  const processOutput = (line: string, level: LogLevel | null): void => {
    if (isShown(level)) print(line);
  };
  const cluster = new LocalCluster(clusterOptions(options, { output: print, processOutput }));
  let stopping = false;
  let stoppingSince = Number.NEGATIVE_INFINITY;
  const stopped = new Promise<void>((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) {
        // A closing terminal sends SIGHUP, and the end of npm sends another one right after: both mean a plain stop.
        if (signal === 'SIGHUP' || performance.now() - stoppingSince < REPEATED_MS_MAX) return;
        print('killing all processes');
        void cluster.killAll();
        return;
      }
      stopping = true;
      isRunning = false;
      stoppingSince = performance.now();
      print('stopping front-ends, replicas and catalogs (press Ctrl-C again to kill them)');
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  });
  await cluster.start();
  for (const { id, url, pid } of cluster.describe().processes)
    print(`${id.padEnd(12)} ${url}  process ${pid ?? 'none'}`);
  let control: Awaited<ReturnType<typeof serveControl>> | null = null;
  try {
    const secret = secretSource(cluster.dataDir);
    control = await serveControl({ cluster, secret, port: cluster.controlPort });
    const ready = cluster.awaitReady().then(async () => {
      const leader = await cluster.leaderName();
      if (stopping) return;
      isRunning = true;
      print(`leader is ${leader ?? 'changing'}`);
      for (const url of cluster.urls) print(`ready ${url}`);
      print(
        `logs are in ${join(cluster.dataDir, 'logs')}${options.verbose ? '' : '; --verbose also prints them here'}`,
      );
      print('press Ctrl-C to stop');
    });
    await Promise.race([ready, stopped]);
    await stopped;
  } finally {
    control?.close();
    control?.closeAllConnections();
    await cluster.stop();
  }
}

const command = new Command('npm start --')
  .description('Runs catalogs, order replicas and front-ends as processes on this machine until Ctrl-C.')
  .option('--data <folder>', 'data folder, kept between runs', DATA_DEFAULT)
  .option(
    '--port <n>',
    'base port P: front-ends listen on P and up, catalog i on P+80+i, replica i on P+110+i and P+120+i (peers), the ' +
      'control server on P+130; keep all of them below 32768',
    parseWholeNumber(1, 65_405),
    8080,
  )
  .option('--fresh', 'delete the contents of the data folder first', false)
  .option('--tls', 'use mutual TLS between the processes of a new cluster; makes the certificates', false)
  .option('--replicas <n>', 'order replicas of a new cluster: 3 or 5 (default: 3)', parseWholeNumber(1, 9))
  .option('--catalogs <n>', 'catalogs of a new cluster, 0 to 16 (default: 2)', parseWholeNumber(0, 16))
  .option('--frontends <n>', 'number of front-ends, 1 to 16', parseWholeNumber(1, 16), 1)
  .option('--cache-size <n>', 'number of stocks that each front-end caches', parseWholeNumber(1, 100_000), 5)
  .option('--no-cache', 'disable the caches of the front-ends')
  .option('--deadline-ms <n>', 'time limit of a client request in ms', parseWholeNumber(100, 600_000), 5000)
  .option('--seed-file <file>', 'JSON file with the stocks of a new cluster (default: ten built-in stocks)')
  .option('--log-level <level>', 'minimum level of log lines of the processes', 'info')
  .option('--verbose', 'print the log lines of the processes, not only errors and later warnings', false)
  .action(start);

await runScript(command);
