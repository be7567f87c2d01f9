/** `trireme backup`, `trireme backup verify` and `trireme restore`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { FormatError } from '@trireme/domain';
import type { BackupHeader, RestorePoint } from '@trireme/orders';
import { isName, npmScript, parseWholeNumber } from '@trireme/service';
import { resolveUserPath } from '../command-line.js';
import { COMMAND_EXIT, CommandError, EXIT_HELP } from '../errors.js';
import { connectToGroup } from '../group/connect.js';
import { parseReplica } from '../group/commands.js';
import { addCommonOptions, type CommonOptions } from '../options.js';
import { restoreCluster } from './restore.js';
import { takeBackup } from './take.js';
import { verifyBackups } from './verify.js';

export function backupCommands(): readonly Command[] {
  return [backupCommand(), restoreCommand()];
}

interface BackupOptions extends CommonOptions {
  readonly out?: string;
  readonly since?: string;
  readonly from?: string;
  readonly overwrite: boolean;
}

function backupCommand(): Command {
  const backup = addCommonOptions(new Command('backup'))
    .summary('Writes a backup of the order book to a file, while the cluster runs.')
    .description(
      'Writes a backup of the order book to a file, while the cluster runs: of a follower that has caught up, as of one ' +
        'log index. With --since only what was ordered since an earlier backup (at most 25 hours before).',
    )
    .option('--out <file>', 'the new file')
    .option('--since <file>', 'an earlier backup, full or incremental, that the new one continues')
    .option('--from <replica>', 'replica to read (default: a follower that has caught up)', parseReplica)
    .option('--overwrite', 'replace the file if it exists', false)
    .action(async (options: BackupOptions) => withBackupErrors(async () => backUp(options)));
  backup
    .command('verify')
    .argument('<files...>', 'a full backup, and incremental ones that continue it')
    .summary('Checks backups without a cluster.')
    .description(
      'Checks every byte and every record of the files. Incremental backups are applied to the full one in a temporary ' +
        'folder, and the hashes of the book are compared.',
    )
    .option('--tmp <folder>', 'where to make the temporary folder (default: beside the full backup)')
    .addOption(new Option('--json', 'print the result as JSON').env('TRIREME_JSON').default(false))
    .addHelpText('after', EXIT_HELP)
    .action(async (files: readonly string[], _: unknown, command: Command) =>
      // `backup` itself has an option --json.
      withBackupErrors(async () => verify(files, command.optsWithGlobals<{ tmp?: string; json: boolean }>())),
    );
  return backup;
}

async function backUp(options: BackupOptions): Promise<void> {
  const { out, since, from, overwrite, json } = options;
  if (out === undefined) throw new CommandError(COMMAND_EXIT.usage, 'give --out FILE, the file to write');
  const { client, calls } = connectToGroup(options);
  const { file, replica, header, bytes, seconds, summary } = await takeBackup({
    client,
    calls,
    out: resolveUserPath(out),
    since: since === undefined ? null : resolveUserPath(since),
    from: from ?? null,
    overwrite,
  });
  if (json) console.log(JSON.stringify({ file, replica, bytes, seconds, ...header }, null, 2));
  else console.log(`${file}: ${describe(header)}\nread from replica ${replica}, ${summary}`);
}

async function verify(
  files: readonly string[],
  { tmp, json }: { tmp?: string; json: boolean },
): Promise<void> {
  const paths = files.map((file) => resolveUserPath(file));
  const verified = await verifyBackups(paths, tmp === undefined ? null : resolveUserPath(tmp));
  if (json) {
    const rows = verified.files.map(({ path, bytes, header }) => ({ file: path, bytes, ...header }));
    console.log(JSON.stringify({ files: rows, end: verified.end }, null, 2));
    return;
  }
  for (const { path, header } of verified.files) console.log(`${path}: intact, ${describe(header)}`);
}

function describe({ since, cluster, index, time, orders, hash }: BackupHeader): string {
  const kind = since === null ? 'full backup' : `incremental backup since log index ${since.index}`;
  return `${kind} of cluster ${cluster} at ${pointText({ applied: index, time, orders, hash })}`;
}

function pointText(point: { applied: number; time: number; orders: number; hash: string }): string {
  const { applied, time, orders, hash } = point;
  return `log index ${applied}, ${new Date(time).toISOString()}, order ${orders}, hash ${hash}`;
}

interface RestoreFlags {
  readonly data: string;
  readonly toIndex?: number;
  readonly toTime?: number;
  readonly toOrder?: number;
  readonly replicas: number;
  readonly cluster?: string;
  readonly json: boolean;
}

function restoreCommand(): Command {
  const whole = parseWholeNumber(1, Number.MAX_SAFE_INTEGER);
  return new Command('restore')
    .argument('<files...>', 'a full backup, and incremental ones that continue it, in any order')
    .summary('Makes a new cluster from backups.')
    .description(
      'Makes a new cluster from backups, with the stocks, orders, keys and numbers of one point: the end of the last ' +
        'backup, or an earlier one. The new cluster has another name and secret than the old one, and cannot reach it.',
    )
    .addOption(
      new Option('--data <folder>', 'data folder of the new cluster; must not exist or be empty')
        .env('TRIREME_DATA')
        .makeOptionMandatory(),
    )
    .addOption(new Option('--to-index <n>', 'stop after this log index').argParser(whole))
    .addOption(
      new Option('--to-time <time>', 'stop before what was ordered after this time, ISO 8601 with zone')
        .argParser(parseTime)
        .conflicts('toIndex'),
    )
    .addOption(
      new Option('--to-order <n>', 'stop after the log entry that contains this order')
        .argParser(whole)
        .conflicts(['toIndex', 'toTime']),
    )
    .option('--replicas <n>', 'number of replicas of the new cluster', parseWholeNumber(1, 15), 3)
    .option(
      '--cluster <name>',
      'name of the new cluster (default: the old name with another suffix)',
      parseClusterName,
    )
    .addOption(new Option('--json', 'print the result as JSON').env('TRIREME_JSON').default(false))
    .addHelpText('after', EXIT_HELP)
    .action(async (files: readonly string[], flags: RestoreFlags) =>
      withBackupErrors(async () => restore(files, flags)),
    );
}

async function restore(files: readonly string[], flags: RestoreFlags): Promise<void> {
  const { data, cluster, from, meta } = await restoreCluster({
    files: files.map((file) => resolveUserPath(file)),
    data: resolveUserPath(flags.data),
    point: pointOf(flags),
    replicas: flags.replicas,
    cluster: flags.cluster ?? null,
    onProgress: (line) => void process.stderr.write(`${line}\n`),
  });
  if (flags.json) {
    const { applied: index, time, orders, hash } = meta;
    console.log(JSON.stringify({ data, cluster, from, index, time, orders, hash }, null, 2));
    return;
  }
  console.log(
    `${data}: cluster ${cluster}, restored from cluster ${from} at ${pointText(meta)}\n` +
      `start it: ${npmScript('start', '--data', data, '--port', 'PORT')}`,
  );
}

function pointOf({ toIndex, toTime, toOrder }: RestoreFlags): RestorePoint {
  if (toIndex !== undefined) return { kind: 'index', index: toIndex };
  if (toTime !== undefined) return { kind: 'time', time: toTime };
  return toOrder === undefined ? { kind: 'end' } : { kind: 'order', order: toOrder };
}

/** ISO 8601 with a date, a time and a zone, such as `2026-01-31T23:59:59+01:00`. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

function parseTime(text: string): number {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new InvalidArgumentError('It must be a time with a zone, for example 2026-01-31T23:59:59Z.');
}

function parseClusterName(text: string): string {
  if (isName(text)) return text;
  throw new InvalidArgumentError('It must have 1 to 64 characters of A-Z a-z 0-9 . _ -');
}

/** Gives damaged backups, and backups that do not fit, their exit code. */
async function withBackupErrors(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CommandError(COMMAND_EXIT.damaged, error.message, { cause: error });
  }
}
