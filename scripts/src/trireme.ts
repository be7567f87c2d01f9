/** `trireme`: the operator's command. Results go to standard output, progress and errors to standard error. */
import { Command, Option } from 'commander';
import { lagOf, type CatalogSetState, type GroupState } from '@trireme/cluster';
import { parseWholeNumber } from '@trireme/service';
import { DATA_DEFAULT, reportError } from './command-line.js';
import { ControlError } from './control/client.js';
import { addDoctorOptions } from './doctor/command.js';
import { exportBook } from './export-book.js';
import {
  connectToGroup,
  parseCatalog,
  parseReplica,
  parseUrl,
  parseUrls,
  type CommonOptions,
} from './trireme/connect.js';
import { addCatalog, formatCatalogs, removeCatalog, type CatalogsOptions } from './trireme/catalogs.js';
import { COMMAND_EXIT, CommandError, EXIT_HELP } from './trireme/errors.js';
import { addFrontendCommands } from './trireme/frontend-commands.js';
import {
  addReplica,
  formatMembers,
  promoteLearner,
  rejoinReplica,
  removeReplica,
  replaceReplica,
  transferLeadership,
  type MembersOptions,
} from './trireme/members.js';
import { formatSnapshots, snapshotReplicas } from './trireme/snapshot.js';
import { formatStatus, groupStatus, statusExitCode, watchStatus } from './trireme/status.js';

interface ChangeOptions extends CommonOptions {
  readonly timeoutSeconds: number;
  readonly force?: boolean;
  readonly url?: string;
  readonly peerUrl?: string;
}

const EXAMPLES = `
Examples:
  trireme status                    show replicas and catalogs
  trireme members rejoin 2          rebuild a replica that has lost its data
  trireme members replace 2 4       replace replica 2 with replica 4
  trireme transfer --to 3           make replica 3 the leader
  trireme catalogs add catalog-3    add a catalog
  trireme order buy AAPL 1          place an order
  trireme stock set ACME 12.50      list a stock or set its price`;

const FORCE_HELP =
  'make the change even if it leaves too few reachable voters or if the new voter lacks log entries; the group may ' +
  'then be unable to accept orders';

function common(command: Command): Command {
  return command
    .addOption(
      new Option('--data <folder>', 'data folder of a cluster that npm start runs')
        .env('TRIREME_DATA')
        .default(DATA_DEFAULT),
    )
    .addOption(
      new Option('--replicas <urls>', 'internal URLs of replicas, separated by commas; replaces --data')
        .env('TRIREME_REPLICAS')
        .argParser(parseUrls),
    )
    .addOption(
      new Option('--secret-file <file>', 'file with the secret of the cluster (default: that of --data)').env(
        'TRIREME_SECRET_FILE',
      ),
    )
    .addOption(
      new Option(
        '--tls-ca <file>',
        'certificate authority of the cluster (PEM); requires --tls-cert and --tls-key',
      ).env('TRIREME_TLS_CA'),
    )
    .addOption(new Option('--tls-cert <file>', 'certificate of the operator (PEM)').env('TRIREME_TLS_CERT'))
    .addOption(new Option('--tls-key <file>', 'private key of the certificate (PEM)').env('TRIREME_TLS_KEY'))
    .addOption(new Option('--json', 'print the result as JSON').env('TRIREME_JSON').default(false))
    .addHelpText('after', EXIT_HELP);
}

function changing(command: Command): Command {
  return common(command).addOption(
    new Option('--timeout-seconds <n>', 'time limit in seconds; run the same command again to continue')
      .env('TRIREME_TIMEOUT_SECONDS')
      .argParser(parseWholeNumber(1, 86_400))
      .default(600),
  );
}

function joining(command: Command): Command {
  return changing(command)
    .addOption(
      new Option('--url <url>', 'internal URL of the replica, if npm start does not run the cluster')
        .env('TRIREME_URL')
        .argParser(parseUrl),
    )
    .addOption(
      new Option('--peer-url <url>', 'peer URL of the replica, if npm start does not run the cluster')
        .env('TRIREME_PEER_URL')
        .argParser(parseUrl),
    );
}

function forcing(command: Command, what = FORCE_HELP): Command {
  return command.option('--force', what, false);
}

function optionsOf(options: ChangeOptions): MembersOptions {
  const { url, peerUrl, timeoutSeconds, force = false } = options;
  const given = { ...(url === undefined ? {} : { url }), ...(peerUrl === undefined ? {} : { peerUrl }) };
  return { ...connectToGroup(options, given), timeoutMs: timeoutSeconds * 1000, force };
}

function show(group: GroupState, { json }: CommonOptions): void {
  const members = group.members.map((member) => ({ ...member, lag: lagOf(group, member) }));
  console.log(json ? JSON.stringify({ ...group, members }, null, 2) : formatMembers(group));
}

function membersCommand(): Command {
  const members = new Command('members').description('Lists and changes the members of the replica group.');
  common(
    members.command('list').description('Lists the members of the group as the leader sees them.'),
  ).action(async (options: CommonOptions) => show(await connectToGroup(options).client.group(), options));
  const replica = ['<replica>', 'name of the replica, for example 2', parseReplica] as const;
  forcing(
    joining(members.command('rejoin').argument(...replica)),
    'rebuild the replica even if its data are intact',
  )
    .summary('Rebuilds a replica that has lost its data or whose data are damaged.')
    .description(
      'Rebuilds a replica that has lost its data or whose data are damaged: moves its data folder aside and keeps ' +
        'it, starts the replica with an empty one, waits until it has copied the log, and replaces the old member.',
    )
    .action(async (name: string, options: ChangeOptions) =>
      show(await rejoinReplica(name, optionsOf(options)), options),
    );
  forcing(joining(members.command('add').argument(...replica)))
    .description(
      'Adds a replica to the group: starts it, waits until it has copied the log, and makes it a voter.',
    )
    .action(async (name: string, options: ChangeOptions) =>
      show(await addReplica(name, optionsOf(options)), options),
    );
  forcing(
    joining(
      members
        .command('replace')
        .argument('<old>', 'name of the replica to remove', parseReplica)
        .argument('<new>', 'name of the replica to add', parseReplica),
    ),
  )
    .description('Replaces replica OLD with replica NEW. Then stops OLD and keeps its data.')
    .action(async (old: string, name: string, options: ChangeOptions) =>
      show(await replaceReplica(old, name, optionsOf(options)), options),
    );
  forcing(changing(members.command('remove').argument(...replica)))
    .description('Removes a replica from the group. Then stops it and keeps its data.')
    .action(async (name: string, options: ChangeOptions) =>
      show(await removeReplica(name, optionsOf(options)), options),
    );
  forcing(
    changing(members.command('promote').argument('<id>', 'id of the learner, as members list shows it')),
  )
    .description('Makes a learner a voter once it has caught up.')
    .action(async (id: string, options: ChangeOptions) =>
      show(await promoteLearner(id, optionsOf(options)), options),
    );
  return members;
}

function catalogsOptionsOf(options: ChangeOptions): CatalogsOptions {
  const { client, catalogHost, onProgress } = connectToGroup(options);
  return { client, host: catalogHost, onProgress, timeoutMs: options.timeoutSeconds * 1000 };
}

function showCatalogs(set: CatalogSetState, { json }: CommonOptions): void {
  console.log(json ? JSON.stringify(set, null, 2) : formatCatalogs(set.catalogs));
}

function catalogsCommand(): Command {
  const catalogs = new Command('catalogs').description('Lists and changes the catalog set.');
  common(catalogs.command('list', { isDefault: true }))
    .description('Lists the catalog set as the leader sees it.')
    .action(async (options: CommonOptions) =>
      showCatalogs(await connectToGroup(options).client.catalogs(), options),
    );
  const catalog = ['<catalog>', 'id of the catalog, for example catalog-3', parseCatalog] as const;
  changing(catalogs.command('add').argument(...catalog))
    .summary('Adds a catalog to the set.')
    .description(
      'Adds a catalog to the set (at most 16). Also starts it if npm start runs the cluster; otherwise start it ' +
        'yourself, before or afterwards.',
    )
    .action(async (id: string, options: ChangeOptions) =>
      showCatalogs(await addCatalog(id, catalogsOptionsOf(options)), options),
    );
  changing(catalogs.command('remove').argument(...catalog))
    .summary('Removes a catalog from the set.')
    .description(
      'Removes a catalog from the set. Also stops it if npm start runs the cluster; otherwise stop it yourself ' +
        'afterwards.',
    )
    .action(async (id: string, options: ChangeOptions) =>
      showCatalogs(await removeCatalog(id, catalogsOptionsOf(options)), options),
    );
  return catalogs;
}

const program = new Command('trireme')
  .description(
    'Operates a Trireme cluster. An option with "env: NAME" in its help can also be set by that environment variable.',
  )
  .addHelpText('after', EXAMPLES)
  .addHelpText('after', EXIT_HELP)
  .addCommand(membersCommand())
  .addCommand(catalogsCommand());
common(
  program
    .command('status')
    .description('Shows every replica (role, term, commit, applied, lag, book hash) and every catalog.'),
)
  .option(
    '--watch [seconds]',
    'repeat every given number of seconds until interrupted (default: 1)',
    parseWholeNumber(1, 3_600),
  )
  .action(async (options: CommonOptions & { watch?: number | true }) => {
    const { client } = connectToGroup(options);
    if (options.watch !== undefined) {
      await watchStatus(client, { ms: Number(options.watch) * 1000, json: options.json });
      return;
    }
    const status = await groupStatus(client);
    console.log(options.json ? JSON.stringify(status, null, 2) : formatStatus(status));
    process.exitCode = statusExitCode(status);
  });
addFrontendCommands(program, common);
addDoctorOptions(program.command('doctor'));
common(
  program
    .command('export')
    .argument('[replica]', 'replica whose book to print (default: the leader)', parseReplica),
)
  .description(
    'Prints an order book as CSV (number,name,type,quantity), or with --json as one JSON object per line.',
  )
  .action(async (name: string | undefined, options: CommonOptions) => exportOf(name, options));
changing(program.command('transfer'))
  .description('Transfers leadership to another voter.')
  .option('--to <replica>', 'name or id of the new leader (default: the voter with the most complete log)')
  .action(async (options: ChangeOptions & { to?: string }) =>
    show(await transferLeadership(options.to ?? null, optionsOf(options)), options),
  );

common(
  program
    .command('snapshot')
    .argument('[replica]', 'name of one replica (default: all replicas)', parseReplica),
)
  .summary('Makes replicas write their order books to disk and compact their logs.')
  .description(
    'Makes replicas write their order books to disk and compact their logs. Replicas do this by themselves when a ' +
      'log grows long; use this command before a planned restart or to free disk space.',
  )
  .option(
    '--keep <entries>',
    'log entries to keep (default: as many as an automatic compaction keeps); a replica that needs older ones ' +
      'receives a snapshot',
    parseWholeNumber(0, Number.MAX_SAFE_INTEGER),
  )
  .action(async (name: string | undefined, options: CommonOptions & { keep?: number }) =>
    snapshotOf(name, options),
  );

async function snapshotOf(
  name: string | undefined,
  options: CommonOptions & { keep?: number },
): Promise<void> {
  const rows = await snapshotReplicas(name ?? null, {
    client: connectToGroup(options).client,
    keep: options.keep ?? null,
  });
  console.log(options.json ? JSON.stringify(rows, null, 2) : formatSnapshots(rows));
  if (rows.some(({ problem }) => problem !== null)) process.exitCode = COMMAND_EXIT.unavailable;
}

async function exportOf(name: string | undefined, options: CommonOptions): Promise<void> {
  const { client, calls } = connectToGroup(options);
  const { self, members } = await client.group();
  const member = members.find((one) => (name === undefined ? one.id === self : one.name === name));
  const url = member?.url ?? null;
  if (url === null)
    throw new CommandError(
      COMMAND_EXIT.refused,
      `the group has no URL of replica ${name ?? self}: see trireme members list`,
    );
  await exportBook(`replica ${name ?? self}`, url, calls, options.json);
}

/** Makes the parser of a command and its subcommands throw instead of ending the process. */
function throwOnExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(throwOnExit);
}

// A reader such as `head` may close the pipe early: then the command ends without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  console.error(`error: cannot write the output: ${error.message}`);
  process.exit(COMMAND_EXIT.unwritten);
});
try {
  throwOnExit(program);
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitOf(error);
}

function exitOf(error: unknown): number {
  if (error instanceof CommandError || error instanceof ControlError) {
    console.error(`error: ${error.message}`);
    return error instanceof CommandError ? error.exitCode : COMMAND_EXIT.unavailable;
  }
  return reportError(error);
}
