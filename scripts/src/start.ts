/** `npm start`: runs a cluster on this machine until Ctrl-C. */
import { Command } from 'commander';
import { LocalCluster, readSecret, serveControl, type ClusterOptions } from '@trireme/cluster';
import { standardOutput, wholeNumber } from '@trireme/service';
import { DATA_DEFAULT, userPath, runScript } from './command-line.js';

/** Under npm a Ctrl-C comes twice, from the terminal and passed on by npm: within this time it is one. */
const REPEATED_MS_MAX = 500;

interface StartOptions {
  readonly data: string;
  readonly port: number;
  readonly fresh: boolean;
  readonly tls: boolean;
  /** Of a new cluster, or to make sure of an old one. */
  readonly replicas?: number;
  /** Likewise. */
  readonly catalogs?: number;
  readonly frontends: number;
  readonly cacheSize: number;
  /** False with `--no-cache`. */
  readonly cache: boolean;
  readonly deadlineMs: number;
  readonly seedFile?: string;
  readonly logLevel: string;
}

function clusterOptions(options: StartOptions, output: (line: string) => void): ClusterOptions {
  const { port, replicas, catalogs, frontends, fresh, tls, deadlineMs, seedFile, logLevel } = options;
  return {
    dataDir: userPath(options.data),
    output,
    ...{ port, frontends, fresh, tls, deadlineMs, logLevel },
    cacheSize: options.cache ? options.cacheSize : null,
    ...(replicas === undefined ? {} : { replicas }),
    ...(catalogs === undefined ? {} : { catalogs }),
    ...(seedFile === undefined ? {} : { seedFile: userPath(seedFile) }),
  };
}

async function start(options: StartOptions): Promise<void> {
  const console = standardOutput((lines) => `!!! ${lines} lines were left out: nobody took them`);
  const print = (line: string): void => console.write(line);
  const cluster = new LocalCluster(clusterOptions(options, print));
  let stopping = false;
  let toldAt = Number.NEGATIVE_INFINITY;
  const stopped = new Promise<void>((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) {
        // A terminal that closes hangs up, and so does npm's end right after: that asks for no more than a stop.
        if (signal === 'SIGHUP' || performance.now() - toldAt < REPEATED_MS_MAX) return;
        print('killing all processes');
        void cluster.killAll();
        return;
      }
      stopping = true;
      toldAt = performance.now();
      print('stopping: front-ends, replicas, catalogs (once more to kill them)');
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  });
  await cluster.start();
  let control: Awaited<ReturnType<typeof serveControl>> | null = null;
  try {
    const secret = readSecret(cluster.dataDir);
    control = await serveControl({ cluster, secret, port: cluster.controlPort });
    const ready = cluster.waitReady().then(() => {
      if (!stopping) for (const url of cluster.urls) print(`ready ${url}`);
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
  .description('Runs catalogs, order replicas and front-ends as processes of this machine until Ctrl-C.')
  .option('--data <folder>', 'where everything is kept between runs', DATA_DEFAULT)
  .option(
    '--port <n>',
    'base port: front-ends from it, catalog i +80+i, replica i +110+i, peers +120+i, control +130; all of them best below 32768',
    wholeNumber(1, 65_405),
    8080,
  )
  .option('--fresh', 'empty the data folder first', false)
  .option('--tls', 'mutual TLS between the processes of a new cluster, with certificates of its own', false)
  .option('--replicas <n>', 'order replicas of a new cluster: 3 or 5 (3 unless given)', wholeNumber(1, 9))
  .option('--catalogs <n>', 'catalogs of a new cluster, 0 to 16 (2 unless given)', wholeNumber(0, 16))
  .option('--frontends <n>', 'front-ends', wholeNumber(1, 16), 1)
  .option('--cache-size <n>', 'stocks that each front-end caches', wholeNumber(1, 100_000), 5)
  .option('--no-cache', 'look every stock up at a catalog')
  .option('--deadline-ms <n>', "milliseconds a client's request may take", wholeNumber(100, 600_000), 5000)
  .option('--seed-file <file>', 'stocks that a new cluster begins with, instead of the built-in ten')
  .option('--log-level <level>', 'least level that the processes log', 'info')
  .action(start);

await runScript(command);
