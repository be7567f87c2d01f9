/** `trireme status`: every replica as it tells of itself, beside what the leader knows of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { lagOf, type Catalog, type Group } from '@trireme/cluster';
import { formatCatalogs } from './catalogs.js';
import { CommandError, COMMAND_EXIT, type CommandExit } from './errors.js';
import type { GroupClient, ReplicaStatus } from './group-client.js';
import { formatTable } from './table.js';

/** One replica; what it does not tell is null. */
interface ReplicaRow {
  readonly url: string;
  readonly id: string | null;
  /** `down` where nobody answers, `outsider` for who is no member. */
  readonly role: string;
  readonly term: number | null;
  readonly commit: number | null;
  readonly applied: number | null;
  /** Entries of the leader's log that it is not known to have; null where nobody leads. */
  readonly lag: number | null;
  readonly orders: number | null;
  readonly pending: number | null;
  /** Running hash of its book: equal wherever `applied` is. */
  readonly hash: string | null;
}

export interface GroupStatus {
  readonly leader: string | null;
  /** The set of catalogs as the leader sees it; null where nobody leads, or it does not tell. */
  readonly catalogs: readonly Catalog[] | null;
  /** False if two replicas with an equal applied index have different books. */
  readonly booksAgree: boolean;
  readonly replicas: readonly ReplicaRow[];
}

/** Asks every replica that is known of; @throws CommandError `unavailable` if none answers, `denied`. */
export async function groupStatus(client: GroupClient): Promise<GroupStatus> {
  const group = await client.groupNow();
  const { urls } = client;
  const statuses = await Promise.all(urls.map(async (url) => client.status(url)));
  const replicas = urls.map((url, i) => rowOf(url, statuses[i] ?? null, group));
  if (replicas.every(({ role }) => role === 'down'))
    throw new CommandError(COMMAND_EXIT.unavailable, `no replica answers at ${urls.join(', ')}`);
  const set = group === null ? null : await client.catalogsNow(group);
  return {
    leader: group?.self ?? null,
    catalogs: set?.catalogs ?? null,
    booksAgree: booksAgree(replicas),
    replicas,
  };
}

/** How the command ends that shows it. */
export function statusExit({ leader, booksAgree: isEqual }: GroupStatus): CommandExit {
  if (!isEqual) return COMMAND_EXIT.refused;
  return leader === null ? COMMAND_EXIT.unavailable : COMMAND_EXIT.done;
}

/**
 * Shows it again and again until the process is stopped: on a terminal as one table that changes, else one after another;
 * for programs an object a line. Where nobody answers it says so and goes on.
 * @param ms milliseconds between two looks
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

/** Clears a terminal, and goes to its upper left corner. */
const CLEAR = '\u001b[2J\u001b[H';

async function statusOrProblem(client: GroupClient): Promise<GroupStatus | { readonly problem: string }> {
  try {
    return await groupStatus(client);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== COMMAND_EXIT.unavailable) throw error;
    return { problem: error.message };
  }
}

/** The same for people. */
export function formatStatus({ leader, catalogs, booksAgree: isEqual, replicas }: GroupStatus): string {
  const head = ['replica', 'role', 'term', 'commit', 'applied', 'lag', 'orders', 'pending', 'book', 'url'];
  const text = (value: number | string | null): string => (value === null ? '-' : String(value));
  const rows = replicas.map((row) => {
    const { id, role, term, commit, applied, lag, orders, pending, hash, url } = row;
    return [id, role, term, commit, applied, lag, orders, pending, hash?.slice(0, 16) ?? null, url].map(text);
  });
  const notes = [
    ...(leader === null ? ['NO REPLICA LEADS: orders are refused until a majority is up'] : []),
    ...(catalogs === null ? [] : notesOn(catalogs)),
    ...(isEqual
      ? []
      : ['BOOKS DIFFER: two replicas have applied the same entries and have not the same book']),
  ];
  const tables = [formatTable([head, ...rows]), ...(catalogs === null ? [] : ['', formatCatalogs(catalogs)])];
  return [...tables, ...notes].join('\n');
}

/** What is wrong with catalogs, none of which orders or look-ups need. */
function notesOn(catalogs: readonly Catalog[]): readonly string[] {
  const count = catalogs.filter(({ hasAuthority }) => hasAuthority === true).length;
  if (count === catalogs.length) return [];
  const rest = count === 0 ? 'the leader answers look-ups, more slowly' : 'the others answer look-ups';
  return [`${count} OF ${catalogs.length} CATALOGS HAVE AUTHORITY: ${rest}; start those that are down`];
}

function rowOf(url: string, status: ReplicaStatus | null, group: Group | null): ReplicaRow {
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
    ...{ url, id: status?.id ?? member?.id ?? null },
    role: status === null ? 'down' : isOutside ? 'outsider' : role,
    ...{ term: number('term'), commit: number('commit'), applied: number('applied'), lag },
    ...{ orders: number('orders'), pending: number('pending'), hash: text('hash') },
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
