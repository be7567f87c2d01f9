/** Examines the data of replicas that are down, and changes nothing in them. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CLUSTER_FILE } from '@trireme/cluster';
import { examineBook, type BookExamination, type TableExamination } from '@trireme/orders';
import { RaftError, examineLog, withLock, type FolderFlaw, type LogExamination } from '@trireme/raft';
import { operatorCommand } from '@trireme/service';
import type { Finding, Report } from './report.js';

const REPLICA_FOLDER = /^replica-.+$/;
const OF_REPLICA = /^(log|log\.hard-state|book(-\d+)?|book\.current)$/;

/** The data folders in `path`: itself, or those of the replicas of a cluster. */
export function dataFoldersIn(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const names = readdirSync(path);
  if (names.some((name) => OF_REPLICA.test(name))) return [path];
  return names
    .filter((name) => REPLICA_FOLDER.test(name))
    .sort()
    .flatMap((name) => dataFoldersIn(join(path, name)));
}

/** Examines one data folder. @throws RaftError `STORAGE_FAILED` if a file cannot be read. */
export async function examine(data: string): Promise<Report> {
  try {
    return await withLock(join(data, 'log'), async () => examineReplica(data));
  } catch (error) {
    if (!(error instanceof RaftError && error.code === 'BAD_CONFIG')) throw error;
    const advice = ['stop the process first: its files change while it runs, and it checks them itself'];
    return { data, id: null, condition: 'in use', findings: [], intact: [], advice };
  }
}

async function examineReplica(data: string): Promise<Report> {
  const problems: string[] = [];
  const book = await examineBook(data).catch((error: unknown) => {
    if (!(error instanceof RaftError && error.code === 'LOG_DAMAGED')) throw error;
    problems.push(error.message);
    return null;
  });
  const log = await examineLog(join(data, 'log'), book?.owner ?? null);
  if (log === null && book !== null) problems.push('the log is gone beside its book');
  if (log !== null && book !== null) problems.push(...fit(log, book));
  const findings = [
    ...(log === null ? [] : ofLog(join(data, 'log'), log)),
    ...(book === null ? [] : ofBook(join(data, book.folder), book)),
    ...problems.map((what) => finding(data, what)),
  ];
  const id = log?.owner?.id ?? book?.owner?.id ?? null;
  const condition = conditionOf(findings);
  const advice =
    book?.isOtherFormat === true
      ? OTHER_FORMAT
      : adviceFor(condition, rejoinCommand(data, id ?? basename(data).replace(/^replica-/, '')));
  return { data, id, condition, findings, intact: intactOf(log, book), advice };
}

/** Whether log and book belong to one member, and neither has lost something that the other shows. */
function fit(log: LogExamination, { owner, meta, restored }: BookExamination): readonly string[] {
  const problems: string[] = [];
  if (
    owner !== null &&
    log.owner !== null &&
    (owner.id !== log.owner.id || owner.cluster !== log.owner.cluster)
  ) {
    problems.push(
      `the book is replica ${owner.id}'s of ${owner.cluster}, the log ${log.owner.id}'s of ${log.owner.cluster}`,
    );
  }
  if (meta === null) return problems;
  // A book that came as a snapshot is ahead of its log until the log begins anew behind it, which the start sees to.
  const isInstalling = restored?.index === meta.applied && (log.hardState?.term ?? 0) >= restored.term;
  if (meta.applied > log.lastIndex && !isInstalling) {
    problems.push(
      `the book has applied entry ${meta.applied}, but the log ends at ${log.lastIndex}: it lost its tail`,
    );
  }
  if (meta.applied < log.baseIndex) {
    problems.push(`the book has applied entry ${meta.applied}, but the log begins behind ${log.baseIndex}`);
  }
  return problems;
}

function ofLog(path: string, { flaws, problems, mends, missing, damaged }: LogExamination): Finding[] {
  return [
    ...flaws.map((flaw) => ofFlaw(path, flaw)),
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

function ofBook(path: string, book: BookExamination): Finding[] {
  const tables = (['orders', 'changes', 'batches'] as const).flatMap((name) =>
    ofTable(path, name, book[name]),
  );
  return [
    ...book.flaws.map((flaw) => ofFlaw(path, flaw)),
    ...book.problems.map((what) => finding(path, what)),
    ...tables,
    ...book.mends.map((what) => finding(path, what, true)),
  ];
}

function ofTable(path: string, name: string, { missing, damaged }: TableExamination): Finding[] {
  return [
    ...(missing.count > 0
      ? [finding(path, `${missing.count} ${name} are missing: ${missing.toString()}`)]
      : []),
    ...(damaged.count > 0
      ? [finding(path, `${damaged.count} ${name} are damaged: ${damaged.toString()}`)]
      : []),
  ];
}

const finding = (path: string, what: string, mends = false): Finding => ({
  path,
  file: null,
  offset: null,
  what,
  mends,
});

const ofFlaw = (path: string, { file, offset, what }: FolderFlaw): Finding => ({
  path,
  file,
  offset,
  what,
  mends: false,
});

function conditionOf(findings: readonly Finding[]): Report['condition'] {
  if (findings.some(({ mends }) => !mends)) return 'damaged';
  return findings.length > 0 ? 'mends' : 'whole';
}

function intactOf(log: LogExamination | null, book: BookExamination | null): readonly string[] {
  const intact: string[] = [];
  if (log !== null) {
    intact.push(
      `log: ${log.entries} entries behind index ${log.baseIndex}, the last one at ${log.lastIndex}`,
    );
    const { hardState, copy } = log;
    if (hardState !== null)
      intact.push(`hard state: term ${hardState.term}, vote for ${hardState.vote ?? 'nobody'}`);
    if (copy !== null) intact.push(`its copy: term ${copy.term}, vote for ${copy.vote ?? 'nobody'}`);
  }
  if (book !== null) {
    const applied = book.meta === null ? 'an unknown index' : `index ${book.meta.applied}`;
    intact.push(
      `book: ${book.orders.intact} orders, ${book.stocks} stocks and ${book.keys} idempotency keys, as of ${applied}`,
    );
  }
  return intact;
}

/** Beside a cluster of `npm start` its folder is named, elsewhere it is for the operator to say where the group is. */
function rejoinCommand(data: string, id: string): string {
  const folder = dirname(data);
  const where = existsSync(join(folder, CLUSTER_FILE)) ? ['--data', folder] : [];
  return operatorCommand('members', 'rejoin', id.replace(/\..*/, ''), ...where);
}

const OTHER_FORMAT = [
  'another version wrote it: start it with that version, or read infra/UPGRADING.md before you start it with this one',
];

function adviceFor(condition: Report['condition'], rejoin: string): readonly string[] {
  switch (condition) {
    case 'whole':
      return [];
    case 'mends':
      return ['start it: what is torn was told nobody, and the rest is in the log or in the other copy'];
    default:
      return [
        'leave it down, and the folder as it is: it must not vote with what is left, and the others go on without it',
        `bring it back from the others' log: ${rejoin} (packages/cluster/OPERATING.md)`,
        'where a majority is damaged do nothing before the folders are copied: what one has lost another may have',
      ];
  }
}
