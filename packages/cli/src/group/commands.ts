/** `trireme members`, `catalogs`, `status`, `export`, `transfer`, `snapshot`: commands that use the replicas' internal ports. */
import { Command, InvalidArgumentError } from 'commander';
import { lagOf, type CatalogSetState, type GroupState } from '@trireme/cluster';
import { isCatalogId } from '@trireme/domain';
import { parseWholeNumber } from '@trireme/service';
import { COMMAND_EXIT } from '../errors.js';
import {
  addChangeOptions,
  addCommonOptions,
  addForceOption,
  addJoinOptions,
  type ChangeOptions,
  type CommonOptions,
} from '../options.js';
import { addCatalog, formatCatalogs, removeCatalog, type CatalogsOptions } from './catalogs.js';
import { connectToGroup } from './connect.js';
import { exportBook } from './export.js';
import {
  addReplica,
  formatMembers,
  promoteLearner,
  rejoinReplica,
  removeReplica,
  replaceReplica,
  transferLeadership,
  type MembersOptions,
} from './members.js';
import { formatSnapshots, snapshotReplicas } from './snapshot.js';
import { formatStatus, groupStatus, statusExitCode, watchStatus } from './status.js';

export function groupCommands(): readonly Command[] {
  return [
    membersCommand(),
    catalogsCommand(),
    statusCommand(),
    exportCommand(),
    transferCommand(),
    snapshotCommand(),
  ];
}

function membersCommand(): Command {
  const members = new Command('members').description('Lists and changes the members of the replica group.');
  addCommonOptions(
    members.command('list').description('Lists the members of the group as the leader sees them.'),
  ).action(async (options: CommonOptions) => show(await connectToGroup(options).client.group(), options));
  const replica = ['<replica>', 'name of the replica, for example 2', parseReplica] as const;
  addForceOption(
    addJoinOptions(members.command('rejoin').argument(...replica)),
    'rebuild the replica even if its data are intact',
  )
    .summary('Rebuilds a replica that has lost its data or whose data are damaged.')
    .description(
      'Rebuilds a replica that has lost its data or whose data are damaged: moves its data folder aside and keeps ' +
        'it, starts the replica with an empty one, waits until it has copied the log, and replaces the old member.',
    )
    .action(async (name: string, options: ChangeOptions) =>
      show(await rejoinReplica(name, membersOptions(options)), options),
    );
  addForceOption(addJoinOptions(members.command('add').argument(...replica)))
    .description(
      'Adds a replica to the group: starts it, waits until it has copied the log, and makes it a voter.',
    )
    .action(async (name: string, options: ChangeOptions) =>
      show(await addReplica(name, membersOptions(options)), options),
    );
  addForceOption(
    addJoinOptions(
      members
        .command('replace')
        .argument('<old>', 'name of the replica to remove', parseReplica)
        .argument('<new>', 'name of the replica to add', parseReplica),
    ),
  )
    .description('Replaces replica OLD with replica NEW. Then stops OLD and keeps its data.')
    .action(async (old: string, name: string, options: ChangeOptions) =>
      show(await replaceReplica(old, name, membersOptions(options)), options),
    );
  addForceOption(addChangeOptions(members.command('remove').argument(...replica)))
    .description('Removes a replica from the group. Then stops it and keeps its data.')
    .action(async (name: string, options: ChangeOptions) =>
      show(await removeReplica(name, membersOptions(options)), options),
    );
  addForceOption(
    addChangeOptions(
      members.command('promote').argument('<id>', 'id of the learner, as members list shows it'),
    ),
  )
    .description('Makes a learner a voter once it has caught up.')
    .action(async (id: string, options: ChangeOptions) =>
      show(await promoteLearner(id, membersOptions(options)), options),
    );
  return members;
}

function transferCommand(): Command {
  return addChangeOptions(new Command('transfer'))
    .description('Transfers leadership to another voter.')
    .option('--to <replica>', 'name or id of the new leader (default: the voter with the most complete log)')
    .action(async (options: ChangeOptions & { to?: string }) =>
      show(await transferLeadership(options.to ?? null, membersOptions(options)), options),
    );
}

function membersOptions(options: ChangeOptions): MembersOptions {
  const { url, peerUrl, timeoutSeconds, force = false } = options;
  return { ...connectToGroup(options, { url, peerUrl }), timeoutMs: timeoutSeconds * 1000, force };
}

function show(group: GroupState, { json }: CommonOptions): void {
  const members = group.members.map((member) => ({ ...member, lag: lagOf(group, member) }));
  console.log(json ? JSON.stringify({ ...group, members }, null, 2) : formatMembers(group));
}

function catalogsCommand(): Command {
  const catalogs = new Command('catalogs').description('Lists and changes the catalog set.');
  addCommonOptions(catalogs.command('list', { isDefault: true }))
    .description('Lists the catalog set as the leader sees it.')
    .action(async (options: CommonOptions) =>
      showCatalogs(await connectToGroup(options).client.catalogs(), options),
    );
  const catalog = ['<catalog>', 'id of the catalog, for example catalog-3', parseCatalog] as const;
  addChangeOptions(catalogs.command('add').argument(...catalog))
    .summary('Adds a catalog to the set.')
    .description(
      'Adds a catalog to the set (at most 16). Also starts it if npm start runs the cluster; otherwise start it ' +
        'yourself, before or afterwards.',
    )
    .action(async (id: string, options: ChangeOptions) =>
      showCatalogs(await addCatalog(id, catalogsOptions(options)), options),
    );
  addChangeOptions(catalogs.command('remove').argument(...catalog))
    .summary('Removes a catalog from the set.')
    .description(
      'Removes a catalog from the set. Also stops it if npm start runs the cluster; otherwise stop it yourself ' +
        'afterwards.',
    )
    .action(async (id: string, options: ChangeOptions) =>
      showCatalogs(await removeCatalog(id, catalogsOptions(options)), options),
    );
  return catalogs;
}

function catalogsOptions(options: ChangeOptions): CatalogsOptions {
  const { client, catalogHost, onProgress } = connectToGroup(options);
  return { client, host: catalogHost, onProgress, timeoutMs: options.timeoutSeconds * 1000 };
}

function showCatalogs(set: CatalogSetState, { json }: CommonOptions): void {
  console.log(json ? JSON.stringify(set, null, 2) : formatCatalogs(set.catalogs));
}

function statusCommand(): Command {
  return addCommonOptions(new Command('status'))
    .description('Shows every replica (role, term, commit, applied, lag, book hash) and every catalog.')
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
}

function exportCommand(): Command {
  return addCommonOptions(
    new Command('export').argument(
      '[replica]',
      'replica whose book to print, even if no replica leads (default: the leader)',
      parseReplica,
    ),
  )
    .description(
      'Prints an order book as CSV (number,name,type,quantity), or with --json as one JSON object per line.',
    )
    .action(async (name: string | undefined, options: CommonOptions) => {
      const { client, calls } = connectToGroup(options);
      await exportBook(name ?? null, { client, calls, json: options.json });
    });
}

function snapshotCommand(): Command {
  return addCommonOptions(
    new Command('snapshot').argument(
      '[replica]',
      'name of one replica (default: all replicas)',
      parseReplica,
    ),
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
    .action(async (name: string | undefined, options: CommonOptions & { keep?: number }) => {
      const rows = await snapshotReplicas(name ?? null, {
        client: connectToGroup(options).client,
        keep: options.keep ?? null,
      });
      console.log(options.json ? JSON.stringify(rows, null, 2) : formatSnapshots(rows));
      if (rows.some(({ problem }) => problem !== null)) process.exitCode = COMMAND_EXIT.unavailable;
    });
}

/** Parses `2` or `replica-2` as the name of a replica, `2`. */
export function parseReplica(text: string): string {
  const name = text.replace(/^replica-/, '');
  if (/^[A-Za-z0-9_-]{1,55}$/.test(name)) return name;
  throw new InvalidArgumentError('It must be the name of a replica, for example 2.');
}

/** Parses the id of a catalog, `catalog-3`, or its number. */
function parseCatalog(text: string): string {
  const id = /^[1-9]\d?$/.test(text) ? `catalog-${text}` : text;
  if (isCatalogId(id)) return id;
  throw new InvalidArgumentError('It must be the id of a catalog, for example catalog-3.');
}
