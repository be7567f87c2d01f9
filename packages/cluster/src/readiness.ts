/** When a cluster, or a process of it, can be worked with; asked until it is, or can no longer be expected to be. */
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './errors.js';
import type { Member, Members } from './members.js';
import type { Probe } from './probe.js';
import { findLeader } from './rules/leader.js';

const POLL_MS = 25;

/** Name of the replica that leads, null while none does. */
export async function leaderOf(members: Members, probe: Probe): Promise<string | null> {
  const up = members.ofRole('replica').filter(({ process }) => process.pid !== null);
  const ask = async ({ plan }: Member) => [plan.name, await probe.replicaStatus(plan.url)] as const;
  return findLeader(await Promise.all(up.map(ask)));
}

/**
 * Waits until a replica leads and every front-end is ready.
 * @throws ClusterError `NOT_READY` after `timeoutMs`, or at once when too many processes have ended.
 */
export async function awaitReady(members: Members, probe: Probe, timeoutMs: number): Promise<void> {
  await waitUntil(
    timeoutMs,
    async () => unready(members, probe),
    () => hopeless(members),
  );
}

/** Waits until a process says that it is ready. @throws ClusterError `NOT_READY`, at once if it has ended. */
export async function awaitProcessReady(
  members: Members,
  probe: Probe,
  name: string,
  timeoutMs: number,
): Promise<void> {
  const member = members.get(name);
  await waitUntil(
    timeoutMs,
    async () => ((await probe.isReady(member.plan.url)) ? null : `${name} is not`),
    () => (member.process.pid === null ? members.tellEnded(member) : null),
  );
}

async function waitUntil(
  timeoutMs: number,
  reason: () => Promise<string | null>,
  never: () => string | null,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const why = await reason();
    if (why === null) return;
    const ended = never();
    if (ended !== null) throw new ClusterError('NOT_READY', ended);
    if (performance.now() > until) {
      throw new ClusterError('NOT_READY', `not ready after ${timeoutMs} ms: ${why}`);
    }
    await delay(POLL_MS);
  }
}

async function unready(members: Members, probe: Probe): Promise<string | null> {
  if ((await leaderOf(members, probe)) === null) return 'no replica leads';
  const frontends = members.ofRole('frontend');
  const ready = await Promise.all(frontends.map(async ({ plan }) => probe.isReady(plan.url)));
  const first = frontends[ready.indexOf(false)];
  return first === undefined ? null : `${first.plan.name} is not`;
}

/** Why waiting is of no use: too many processes have ended. */
function hopeless(members: Members): string | null {
  const isDown = ({ process }: Member): boolean => process.pid === null;
  // Catalogs are none of them: without any the leader answers look-ups.
  const frontend = members.ofRole('frontend').find(isDown);
  if (frontend !== undefined) return members.tellEnded(frontend);
  const replicas = members.ofRole('replica');
  const down = replicas.filter(isDown);
  if (replicas.length - down.length > replicas.length / 2) return null;
  return `no majority: ${down.map((member) => members.tellEnded(member)).join('; ')}`;
}
