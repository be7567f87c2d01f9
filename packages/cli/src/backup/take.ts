/** `trireme backup`: writes the book of a replica to a file. */
import { existsSync, realpathSync } from 'node:fs';
import {
  CAUGHT_UP_LAG_MAX,
  ControlError,
  lagOf,
  type GroupMember,
  type InternalClient,
} from '@trireme/cluster';
import { openBackup, readBackupStream, writeBackup, type BackupHeader } from '@trireme/orders';
import { COMMAND_EXIT, CommandError, type CommandExit } from '../errors.js';
import type { GroupClient } from '../group/group-client.js';
import { TransferProgress } from './progress.js';

export interface TakeOptions {
  readonly client: GroupClient;
  readonly calls: InternalClient;
  /** Path of the new file. */
  readonly out: string;
  /** Path of the backup to continue; null for a full backup. */
  readonly since: string | null;
  /** Name of the replica to read; null for a follower that has caught up. */
  readonly from: string | null;
  /** Whether an existing file is replaced. */
  readonly overwrite: boolean;
}

export interface TakenBackup {
  readonly file: string;
  /** Name of the replica. */
  readonly replica: string;
  readonly header: BackupHeader;
  readonly bytes: number;
  readonly seconds: number;
  /** Size, duration and rate in words. */
  readonly summary: string;
}

/** Statuses after which another replica may answer. */
const OTHER_REPLICA_HELPS = [404, 503];

const EXIT_OF: Readonly<Record<number, CommandExit>> = {
  400: COMMAND_EXIT.refused,
  401: COMMAND_EXIT.denied,
  403: COMMAND_EXIT.denied,
};

/**
 * Writes the file.
 * @throws CommandError `refused`, `unavailable` or `denied`, `damaged` if the earlier backup is; then no file is written.
 */
export async function takeBackup(options: TakeOptions): Promise<TakenBackup> {
  const { out, since, overwrite } = options;
  if (existsSync(out) && !overwrite)
    throw new CommandError(COMMAND_EXIT.refused, `${out} exists: give another file, or --overwrite`);
  const earlier = since === null ? null : (await openBackup(since)).header;
  if (since !== null && existsSync(out) && realpathSync(out) === realpathSync(since))
    throw new CommandError(
      COMMAND_EXIT.refused,
      `--out and --since are the same file, ${out}: a backup that continues another one needs it; give another --out`,
    );
  const replicas = await candidates(options);
  for (const [i, { name, url }] of replicas.entries()) {
    const response = await open(options.calls, `${url}/backup${queryOf(earlier)}`);
    if (typeof response !== 'string' && response.ok && response.body !== null) {
      const progress = new TransferProgress();
      try {
        const source = await readBackupStream(response.body);
        const bytes = await writeBackup(out, source, (written) => progress.update(written));
        const { seconds } = progress;
        return {
          file: out,
          replica: name,
          header: source.header,
          bytes,
          seconds,
          summary: progress.summary(),
        };
      } catch (error) {
        throw isCut(error) ? cutOff(name, error) : error;
      } finally {
        progress.clear();
      }
    }
    const isLast = i === replicas.length - 1;
    const status = typeof response === 'string' ? null : response.status;
    if (!isLast && (status === null || OTHER_REPLICA_HELPS.includes(status))) continue;
    const why = typeof response === 'string' ? response : await reasonOf(response);
    throw new CommandError(EXIT_OF[status ?? 0] ?? COMMAND_EXIT.unavailable, `replica ${name}: ${why}`);
  }
  throw new CommandError(COMMAND_EXIT.unavailable, 'no replica has a known URL: see trireme members list');
}

/** The replicas to try, in order: followers that have caught up, the leader, then the others. */
async function candidates({
  client,
  from,
}: TakeOptions): Promise<readonly { readonly name: string; readonly url: string }[]> {
  const group = await client.anyGroup();
  const rank = (member: GroupMember): number => {
    if (member.reachable === false) return 3;
    if (member.id === group.leader) return 1;
    return lagOf(group, member) <= CAUGHT_UP_LAG_MAX ? 0 : 2;
  };
  const members = group.members.filter(({ name }) => from === null || name === from);
  if (members.length === 0)
    throw new CommandError(COMMAND_EXIT.refused, `the group has no replica ${from ?? ''}: see members list`);
  return members
    .toSorted((a, b) => rank(a) - rank(b) || (b.match ?? 0) - (a.match ?? 0))
    .flatMap(({ name, url }) => (url === null ? [] : [{ name, url }]));
}

function queryOf(earlier: BackupHeader | null): string {
  if (earlier === null) return '';
  const { lastSeq, index, hash, life } = earlier;
  return `?after=${lastSeq}&index=${index}&hash=${hash}&life=${life}`;
}

/** The response; a text if there is none. */
async function open(
  calls: InternalClient,
  url: string,
): Promise<Awaited<ReturnType<InternalClient['openStream']>> | string> {
  return calls.openStream(url).catch(() => `does not answer at ${url.replace(/\/backup.*/, '')}`);
}

async function reasonOf(response: { text(): Promise<string>; readonly status: number }): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: string } };
    return error?.message ?? text;
  } catch {
    return `status ${response.status}: ${text}`;
  }
}

/** Whether the connection broke during the transfer. */
function isCut(error: unknown): boolean {
  return error instanceof TypeError;
}

function cutOff(name: string, cause: unknown): ControlError {
  return new ControlError(
    `replica ${name} ended the connection before the end of the backup: run the command again`,
    {
      cause,
    },
  );
}
