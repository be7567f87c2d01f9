/** Examines the data of stopped replicas without changing them. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CLUSTER_FILE } from '@trireme/cluster';
import { examineBook, withStoppedReplica, type BookReport, type TableReport } from '@trireme/orders';
import { RaftError } from '@trireme/raft';
import { examineLog, type FolderFlaw, type LogReport } from '@trireme/raft/level';
import { triremeCommand } from '@trireme/service';
import type { Flaw, DataReport } from './report.js';

const REPLICA_FOLDER = /^replica-.+$/;
const REPLICA_ENTRY = /^(log|log\.hard-state|book(-\d+)?|book\.current)$/;

/** The replica data folders in `path`: `path` itself, or the replica folders of a cluster. */
export function dataFoldersIn(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const names = readdirSync(path);
  if (names.some((name) => REPLICA_ENTRY.test(name))) return [path];
  return names
    .filter((name) => REPLICA_FOLDER.test(name))
    .sort()
    .flatMap((name) => dataFoldersIn(join(path, name)));
}

/** Examines one data folder. @throws RaftError `STORAGE_FAILED` if a file cannot be read. */
export async function examineDataFolder(data: string): Promise<DataReport> {
  try {
    return await withStoppedReplica(data, async () => examineReplica(data));
  } catch (error) {
    if (!(error instanceof RaftError && error.code === 'BAD_CONFIG')) throw error;
    const advice = [
      'stop the replica first: its files change while it runs. It checks them itself when it starts',
    ];
    return { data, id: null, condition: 'in use', findings: [], intact: [], advice };
  }
}

async function examineReplica(data: string): Promise<DataReport> {
  const problems: string[] = [];
  const book = await examineBook(data).catch((error: unknown) => {
    if (!(error instanceof RaftError && error.code === 'LOG_DAMAGED')) throw error;
    problems.push(error.message);
    return null;
  });
  const log = await examineLog(join(data, 'log'), book?.owner ?? null);
  if (log === null && book !== null) problems.push('the log is missing, but there is an order book');
  if (log !== null && book !== null) problems.push(...findMismatches(log, book));
  const findings = [
    ...(log === null ? [] : logFindings(join(data, 'log'), log)),
    ...(book === null ? [] : bookFindings(join(data, book.folder), book)),
    ...problems.map((what) => finding(data, what)),
  ];
  const id = log?.owner?.id ?? book?.owner?.id ?? null;
  const condition = conditionOf(findings);
  const advice =
    book?.isOtherFormat === true
      ? OTHER_FORMAT
      : adviceFor(condition, rejoinCommand(data, id ?? basename(data).replace(/^replica-/, '')));
  return { data, id, condition, findings, intact: describeIntact(log, book), advice };
}

/** Problems between log and book: they belong to different members, or one has lost data that the other shows. */
function findMismatches(log: LogReport, { owner, meta, restored }: BookReport): readonly string[] {
  const problems: string[] = [];
  if (
    owner !== null &&
    log.owner !== null &&
    (owner.id !== log.owner.id || owner.cluster !== log.owner.cluster)
  ) {
    problems.push(
      `the book belongs to replica ${owner.id} of cluster ${owner.cluster}, ` +
        `but the log to replica ${log.owner.id} of cluster ${log.owner.cluster}`,
    );
  }
  if (meta === null) return problems;
  // A book restored from a snapshot is ahead of its log until the next start resets the log to begin after it.
  const isInstalling = restored?.index === meta.applied && (log.hardState?.term ?? 0) >= restored.term;
  if (meta.applied > log.lastIndex && !isInstalling) {
    problems.push(
      `the book has applied entry ${meta.applied}, but the log ends at ${log.lastIndex}: it has lost its tail`,
    );
  }
  if (meta.applied < log.baseIndex) {
    problems.push(
      `the log starts after ${log.baseIndex}, but the book has applied only ${meta.applied}: it has lost data`,
    );
  }
  return problems;
}

function logFindings(path: string, { flaws, problems, mends, missing, damaged }: LogReport): Flaw[] {
  return [
    ...flaws.map((flaw) => flawFinding(path, flaw)),
    ...problems.map((what) => finding(path, what)),
    ...(missing.count > 0
      ? [finding(path, `${missing.count} entries are missing: ${missing.toString()}`)]
      : []),
    ...(damaged.count > 0
      ? [finding(path, `${damaged.count} entries are damaged: ${damaged.toString()}`)]
      : []),
    ...mends.map((what) => finding(path, what, true)),
  ];
}

function bookFindings(path: string, book: BookReport): Flaw[] {
  const tables = (['orders', 'changes', 'batches'] as const).flatMap((name) =>
    tableFindings(path, name, book[name]),
  );
  return [
    ...book.flaws.map((flaw) => flawFinding(path, flaw)),
    ...book.problems.map((what) => finding(path, what)),
    ...tables,
    ...book.mends.map((what) => finding(path, what, true)),
  ];
}

function tableFindings(path: string, name: string, { missing, damaged }: TableReport): Flaw[] {
  return [
    ...(missing.count > 0
      ? [finding(path, `${missing.count} ${name} are missing: ${missing.toString()}`)]
      : []),
    ...(damaged.count > 0
      ? [finding(path, `${damaged.count} ${name} are damaged: ${damaged.toString()}`)]
      : []),
  ];
}

const finding = (path: string, what: string, mends = false): Flaw => ({
  path,
  file: null,
  offset: null,
  what,
  mends,
});

const flawFinding = (path: string, { file, offset, what }: FolderFlaw): Flaw => ({
  path,
  file,
  offset,
  what,
  mends: false,
});

function conditionOf(findings: readonly Flaw[]): DataReport['condition'] {
  if (findings.some(({ mends }) => !mends)) return 'damaged';
  return findings.length > 0 ? 'mends' : 'whole';
}

function describeIntact(log: LogReport | null, book: BookReport | null): readonly string[] {
  const intact: string[] = [];
  if (log !== null) {
    intact.push(`log: ${log.entries} entries after index ${log.baseIndex}, the last one at ${log.lastIndex}`);
    const { hardState, copy } = log;
    if (hardState !== null)
      intact.push(`hard state: term ${hardState.term}, vote for ${hardState.vote ?? 'none'}`);
    if (copy !== null)
      intact.push(`copy of the hard state: term ${copy.term}, vote for ${copy.vote ?? 'none'}`);
  }
  if (book !== null) {
    const applied = book.meta === null ? 'an unknown index' : `index ${book.meta.applied}`;
    intact.push(
      `book: ${book.orders.intact} orders, ${book.stocks} stocks and ${book.keys} idempotency keys, as of ${applied}`,
    );
  }
  return intact;
}

/** The command names the data folder of an `npm start` cluster. Elsewhere the operator must add where the group is. */
function rejoinCommand(data: string, id: string): string {
  const folder = dirname(data);
  const where = existsSync(join(folder, CLUSTER_FILE)) ? ['--data', folder] : [];
  return triremeCommand('members', 'rejoin', id.replace(/\..*/, ''), ...where);
}

const OTHER_FORMAT = [
  'the data were written by another version: start the replica with that version, ' +
    'or read docs/UPGRADING.md before you start it with this one',
];

function adviceFor(condition: DataReport['condition'], rejoin: string): readonly string[] {
  switch (condition) {
    case 'whole':
      return [];
    case 'mends':
      return [
        'start the replica: torn records were never acknowledged, and the log or the other copy has everything else',
      ];
    default:
      return [
        'keep it stopped and its folder unchanged: it must not vote with damaged data, and the others run without it',
        `rebuild it from the other replicas: ${rejoin} (see docs/OPERATIONS.md)`,
        'if a majority is damaged, copy all data folders first: one replica may have what another has lost',
      ];
  }
}
