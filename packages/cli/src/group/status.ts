/** `trireme status`: the status that each replica reports, together with its lag according to the leader. */
import { setTimeout as delay } from 'node:timers/promises';
import { lagOf, type CatalogState, type GroupState } from '@trireme/cluster';
import { formatCatalogs } from './catalogs.js';
import { CommandError, COMMAND_EXIT, type CommandExit } from '../errors.js';
import type { GroupClient, ReplicaStatus } from './group-client.js';
import { formatTable } from '../table.js';

/** One replica; null for every value that it does not report. */
interface ReplicaRow {
  readonly url: string;
  readonly id: string | null;
  /** Raft role; `down` without an answer, `outsider` for a replica that is not a member. */
  readonly role: string;
  readonly term: number | null;
  readonly commit: number | null;
  readonly applied: number | null;
  /** Entries of the leader's log that it is not known to have; null if no replica leads. */
  readonly lag: number | null;
  readonly orders: number | null;
  readonly pending: number | null;
  /** Running hash of its book; replicas with the same `applied` must have the same hash. */
  readonly hash: string | null;
}

export interface GroupStatus {
  readonly leader: string | null;
  /** The catalog set as the leader sees it; null if no replica leads or the leader does not answer. */
  readonly catalogs: readonly CatalogState[] | null;
  /** False if two replicas with an equal applied index have different books. */
  readonly booksAgree: boolean;
  readonly replicas: readonly ReplicaRow[];
}

/** Reads the status of every known replica. @throws CommandError `unavailable` if none answers, `denied`. */
export async function groupStatus(client: GroupClient): Promise<GroupStatus> {
  const group = await client.tryGroup();
  const { urls } = client;
  const statuses = await Promise.all(urls.map(async (url) => client.status(url)));
  const replicas = urls.map((url, i) => rowOf(url, statuses[i] ?? null, group));
  if (replicas.every(({ role }) => role === 'down'))
    throw new CommandError(COMMAND_EXIT.unavailable, client.describeNoAnswer());
  const set = group === null ? null : await client.tryCatalogs(group);
  return {
    leader: group?.self ?? null,
    catalogs: set?.catalogs ?? null,
    booksAgree: booksAgree(replicas),
    replicas,
  };
}

/** Exit code of `trireme status`. */
export function statusExitCode({ leader, booksAgree: isEqual }: GroupStatus): CommandExit {
  if (!isEqual) return COMMAND_EXIT.refused;
  return leader === null ? COMMAND_EXIT.unavailable : COMMAND_EXIT.done;
}

/**
 * Prints the status repeatedly until the process is stopped: on a terminal as a table in place, otherwise one table
 * after another, with `json` as one object per line. Continues if no replica answers.
 * @param ms pause between two polls, in milliseconds
 * @throws CommandError `denied`.
 */
export async function watchStatus(
  client: GroupClient,
  { ms, json }: { readonly ms: number; readonly json: boolean },
): Promise<never> {
  const { stdout } = process;
  for (;;) {
    const status = await statusOrProblem(client);
    const isProblem = 'problem' in status;
    const text = json ? JSON.stringify(status) : isProblem ? status.problem : formatStatus(status);
    if (stdout.isTTY && !json) stdout.write(CLEAR);
    console.log(json ? text : `${new Date().toISOString()}\n${text}`);
    await delay(ms);
  }
}

/** Clears the terminal and moves the cursor to the upper left corner. */
const CLEAR = '\u001b[2J\u001b[H';

async function statusOrProblem(client: GroupClient): Promise<GroupStatus | { readonly problem: string }> {
  try {
    return await groupStatus(client);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== COMMAND_EXIT.unavailable) throw error;
    return { problem: error.message };
  }
}

/** Formats the status as tables with warnings below. */
export function formatStatus({ leader, catalogs, booksAgree: isEqual, replicas }: GroupStatus): string {
  const head = ['replica', 'role', 'term', 'commit', 'applied', 'lag', 'orders', 'pending', 'book', 'url'];
  const text = (value: number | string | null): string => (value === null ? '-' : String(value));
  const rows = replicas.map((row) => {
    const { id, role, term, commit, applied, lag, orders, pending, hash, url } = row;
    return [id, role, term, commit, applied, lag, orders, pending, hash?.slice(0, 16) ?? null, url].map(text);
  });
  const warnings = [
    ...(leader === null ? ['NO REPLICA LEADS: orders are refused until a majority is up'] : []),
    ...(catalogs === null ? [] : catalogWarnings(catalogs)),
    ...(isEqual
      ? []
      : ['BOOKS DIFFER: two replicas have applied the same entries but have different order books']),
  ];
  const tables = [formatTable([head, ...rows]), ...(catalogs === null ? [] : ['', formatCatalogs(catalogs)])];
  return [...tables, ...warnings].join('\n');
}

/** Warnings about the catalogs. Orders and look-ups also work without any catalog. */
function catalogWarnings(catalogs: readonly CatalogState[]): readonly string[] {
  const count = catalogs.filter(({ hasAuthority }) => hasAuthority === true).length;
  if (count === catalogs.length) return [];
  const effect = count === 0 ? 'the leader answers look-ups, more slowly' : 'the others answer look-ups';
  return [
    `${count} OF ${catalogs.length} CATALOGS HAVE AUTHORITY: ${effect}; start the catalogs that are down`,
  ];
}

function rowOf(url: string, status: ReplicaStatus | null, group: GroupState | null): ReplicaRow {
  const member = group?.members.find((one) => (status === null ? one.url === url : one.id === status.id));
  const lag = group === null || member === undefined ? null : lagOf(group, member);
  const number = (name: string): number | null => {
    const value = status?.[name];
    return typeof value === 'number' ? value : null;
  };
  const text = (name: string): string | null => {
    const value = status?.[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  };
  const isOutside = group !== null && member === undefined;
  const role = member?.role === 'learner' ? 'learner' : (text('role') ?? 'starting');
  return {
    url,
    id: status?.id ?? member?.id ?? null,
    role: status === null ? 'down' : isOutside ? 'outsider' : role,
    term: number('term'),
    commit: number('commit'),
    applied: number('applied'),
    lag,
    orders: number('orders'),
    pending: number('pending'),
    hash: text('hash'),
  };
}

function booksAgree(replicas: readonly ReplicaRow[]): boolean {
  const hashes = new Map<number, string>();
  for (const { applied, hash } of replicas) {
    if (applied === null || hash === null) continue;
    if ((hashes.get(applied) ?? hash) !== hash) return false;
    hashes.set(applied, hash);
  }
  return true;
}
