/** `trireme`: the operator's command. Progress goes to standard error, what was asked for to standard output. */
import { Command, Option } from 'commander';
import { lagOf, type CatalogSet, type Group } from '@trireme/cluster';
import { wholeNumber } from '@trireme/service';
import { DATA_DEFAULT, endOf } from './command-line.js';
import { ControlError } from './control/client.js';
import { asDoctor } from './doctor/command.js';
import { exportBook } from './export-book.js';
import {
  connect,
  parseCatalog,
  parseReplica,
  parseUrl,
  parseUrls,
  type CommonOptions,
} from './trireme/connect.js';
import { addCatalog, formatCatalogs, removeCatalog, type CatalogsOptions } from './trireme/catalogs.js';
import { COMMAND_EXIT, CommandError, EXIT_HELP } from './trireme/errors.js';
import { addMarketCommands } from './trireme/market.js';
import {
  add,
  formatMembers,
  promote,
  rejoin,
  remove,
  replace,
  transfer,
  type MembersOptions,
} from './trireme/members.js';
import { formatSnapshots, snapshot } from './trireme/snapshot.js';
import { formatStatus, groupStatus, statusExit, watchStatus } from './trireme/status.js';

interface ChangeOptions extends CommonOptions {
  readonly timeoutSeconds: number;
  readonly force?: boolean;
  readonly url?: string;
  readonly peerUrl?: string;
}

const FORCE_HELP =
  'make the change even if too few voters would answer afterwards, or the new one does not have the log; the group may ' +
  'then be unable to take orders';

function common(command: Command): Command {
  return command
    .addOption(
      new Option('--data <folder>', 'data folder of a cluster of npm start')
        .env('TRIREME_DATA')
        .default(DATA_DEFAULT),
    )
    .addOption(
      new Option('--replicas <urls>', 'internal ports of replicas elsewhere, URL,URL, instead of --data')
        .env('TRIREME_REPLICAS')
        .argParser(parseUrls),
    )
    .addOption(
      new Option('--secret-file <file>', "the cluster's secret, with --replicas").env('TRIREME_SECRET_FILE'),
    )
    .addOption(
      new Option('--tls-ca <file>', "the cluster's authority, with --replicas").env('TRIREME_TLS_CA'),
    )
    .addOption(new Option('--tls-cert <file>', "an operator's certificate").env('TRIREME_TLS_CERT'))
    .addOption(new Option('--tls-key <file>', 'the key of that certificate').env('TRIREME_TLS_KEY'))
    .addOption(new Option('--json', 'the answer for programs').env('TRIREME_JSON').default(false))
    .addHelpText('after', EXIT_HELP);
}

function changing(command: Command): Command {
  return common(command).addOption(
    new Option('--timeout-seconds <n>', 'how long to go on; the same command goes on from there')
      .env('TRIREME_TIMEOUT_SECONDS')
      .argParser(wholeNumber(1, 86_400))
      .default(600),
  );
}

function joining(command: Command): Command {
  return changing(command)
    .addOption(
      new Option('--url <url>', 'its internal port, without a supervisor')
        .env('TRIREME_URL')
        .argParser(parseUrl),
    )
    .addOption(
      new Option('--peer-url <url>', 'its peer port, without a supervisor')
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
  return { ...connect(options, given), msMax: timeoutSeconds * 1000, force };
}

function show(group: Group, { json }: CommonOptions): void {
  const members = group.members.map((member) => ({ ...member, lag: lagOf(group, member) }));
  console.log(json ? JSON.stringify({ ...group, members }, null, 2) : formatMembers(group));
}

function membersCommand(): Command {
  const members = new Command('members').description('Who is in the group of replicas, and changing it.');
  common(members.command('list').description('Shows the group as its leader sees it.')).action(
    async (options: CommonOptions) => show(await connect(options).client.group(), options),
  );
  const replica = ['<replica>', 'its name, such as 2', parseReplica] as const;
  forcing(
    joining(members.command('rejoin').argument(...replica)),
    'move its data aside and begin anew, though they are whole',
  )
    .description(
      'Brings back a replica that lost its data, or whose data are damaged: its data are moved aside and kept, it starts ' +
        'anew, learns the log, and takes the place of the member that it was.',
    )
    .action(async (name: string, options: ChangeOptions) =>
      show(await rejoin(name, optionsOf(options)), options),
    );
  forcing(joining(members.command('add').argument(...replica)))
    .description('Starts one more replica, has it learn the log, and gives it the vote.')
    .action(async (name: string, options: ChangeOptions) =>
      show(await add(name, optionsOf(options)), options),
    );
  forcing(
    joining(
      members
        .command('replace')
        .argument('<old>', 'the one that goes', parseReplica)
        .argument('<new>', 'the one that comes', parseReplica),
    ),
  )
    .description('Has a new replica take the place of an old one, which is stopped then; its data are kept.')
    .action(async (old: string, name: string, options: ChangeOptions) =>
      show(await replace(old, name, optionsOf(options)), options),
    );
  forcing(changing(members.command('remove').argument(...replica)))
    .description('Has a replica leave the group, and stops it; its data are kept.')
    .action(async (name: string, options: ChangeOptions) =>
      show(await remove(name, optionsOf(options)), options),
    );
  forcing(changing(members.command('promote').argument('<id>', "a learner's id, as members list shows it")))
    .description('Gives a learner the vote, once it has caught up.')
    .action(async (id: string, options: ChangeOptions) =>
      show(await promote(id, optionsOf(options)), options),
    );
  return members;
}

function catalogsOptionsOf(options: ChangeOptions): CatalogsOptions {
  const { client, catalogHost, tell } = connect(options);
  return { client, host: catalogHost, tell, msMax: options.timeoutSeconds * 1000 };
}

function showCatalogs(set: CatalogSet, { json }: CommonOptions): void {
  console.log(json ? JSON.stringify(set, null, 2) : formatCatalogs(set.catalogs));
}

function catalogsCommand(): Command {
  const catalogs = new Command('catalogs').description(
    'Which catalogs the leader waits for, and changing it.',
  );
  common(catalogs.command('list', { isDefault: true }))
    .description('Shows the set of catalogs as the leader sees it.')
    .action(async (options: CommonOptions) =>
      showCatalogs(await connect(options).client.catalogs(), options),
    );
  const catalog = ['<catalog>', 'its id, such as catalog-3', parseCatalog] as const;
  changing(catalogs.command('add').argument(...catalog))
    .description(
      'Adds a catalog to the set, 16 at most. Where npm start runs the cluster, it starts the catalog too; else start it, before or after.',
    )
    .action(async (id: string, options: ChangeOptions) =>
      showCatalogs(await addCatalog(id, catalogsOptionsOf(options)), options),
    );
  changing(catalogs.command('remove').argument(...catalog))
    .description(
      'Removes a catalog from the set. Where npm start runs the cluster, it stops the catalog too; else stop it afterwards.',
    )
    .action(async (id: string, options: ChangeOptions) =>
      showCatalogs(await removeCatalog(id, catalogsOptionsOf(options)), options),
    );
  return catalogs;
}

const program = new Command('trireme')
  .description(
    "The operator's command of a Trireme cluster. An option whose variable --help names may come as that instead.",
  )
  .addHelpText('after', EXIT_HELP)
  .addCommand(membersCommand())
  .addCommand(catalogsCommand());
common(
  program
    .command('status')
    .description('Shows every replica (role, term, commit, applied, lag, book hash) and every catalog.'),
)
  .option('--watch [seconds]', 'again each second, or that many, until it is stopped', wholeNumber(1, 3_600))
  .action(async (options: CommonOptions & { watch?: number | true }) => {
    const { client } = connect(options);
    if (options.watch !== undefined) {
      await watchStatus(client, { ms: Number(options.watch) * 1000, json: options.json });
      return;
    }
    const status = await groupStatus(client);
    console.log(options.json ? JSON.stringify(status, null, 2) : formatStatus(status));
    process.exitCode = statusExit(status);
  });
addMarketCommands(program, common);
asDoctor(program.command('doctor'));
common(program.command('export').argument('[replica]', 'whose book; the leader’s unless given', parseReplica))
  .description('Prints an order book as CSV, number,name,type,quantity; --json: one object a line.')
  .action(async (name: string | undefined, options: CommonOptions) => exportOf(name, options));
changing(program.command('transfer'))
  .description('Transfers leadership.')
  .option('--to <replica>', 'to whom, by name or id; else to the one whose log reaches furthest')
  .action(async (options: ChangeOptions & { to?: string }) =>
    show(await transfer(options.to ?? null, optionsOf(options)), options),
  );

common(program.command('snapshot').argument('[replica]', 'which one; every one unless given', parseReplica))
  .description(
    'Has replicas write out their books and drop the log behind them, as they do by themselves when it is long: before a ' +
      'planned restart, or to free room.',
  )
  .option(
    '--keep <entries>',
    'log entries that stay; as many as ever unless given. A replica that lacks older ones is sent the whole book',
    wholeNumber(0, Number.MAX_SAFE_INTEGER),
  )
  .action(async (name: string | undefined, options: CommonOptions & { keep?: number }) =>
    snapshotOf(name, options),
  );

async function snapshotOf(
  name: string | undefined,
  options: CommonOptions & { keep?: number },
): Promise<void> {
  const rows = await snapshot(name ?? null, { client: connect(options).client, keep: options.keep ?? null });
  console.log(options.json ? JSON.stringify(rows, null, 2) : formatSnapshots(rows));
  if (rows.some(({ problem }) => problem !== null)) process.exitCode = COMMAND_EXIT.unavailable;
}

async function exportOf(name: string | undefined, options: CommonOptions): Promise<void> {
  const { client, calls } = connect(options);
  const { self, members } = await client.group();
  const member = members.find((one) => (name === undefined ? one.id === self : one.name === name));
  const url = member?.url ?? null;
  if (url === null)
    throw new CommandError(COMMAND_EXIT.refused, `no member of the group is replica ${name ?? ''}`);
  await exportBook(`replica ${name ?? self}`, url, calls, options.json);
}

/** Has the parser throw instead of ending the process, in every command. */
function throwing(command: Command): void {
  command.exitOverride();
  command.commands.forEach(throwing);
}

// A reader such as `head` that has seen enough ends the command, quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  console.error(`error: the answer cannot be written: ${error.message}`);
  process.exit(COMMAND_EXIT.unwritten);
});
try {
  throwing(program);
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitOf(error);
}

function exitOf(error: unknown): number {
  if (error instanceof CommandError || error instanceof ControlError) {
    console.error(`error: ${error.message}`);
    return error instanceof CommandError ? error.exitCode : COMMAND_EXIT.unavailable;
  }
  return endOf(error);
}
