/** Waits until a cluster or one of its processes is ready, or can no longer become ready. */
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from '../errors.js';
import type { SupervisedProcess, SupervisedProcesses } from './supervised-processes.js';
import type { Probe } from '../ports/probe.js';
import { findLeader } from '../rules/leader.js';

const POLL_MS = 25;

/** Name of the replica that leads; null if none does. */
export async function findLeaderName(members: SupervisedProcesses, probe: Probe): Promise<string | null> {
  const up = members.withRole('replica').filter(({ process }) => process.pid !== null);
  const ask = async ({ plan }: SupervisedProcess) => ({
    name: plan.name,
    status: await probe.replicaStatus(plan.url),
  });
  return findLeader(await Promise.all(up.map(ask)));
}

/**
 * Waits until a replica leads and every front-end is ready.
 * @throws ClusterError `NOT_READY` after `timeoutMs`, or at once if too many processes have ended.
 */
export async function awaitReady(
  members: SupervisedProcesses,
  probe: Probe,
  timeoutMs: number,
): Promise<void> {
  await waitUntil(
    timeoutMs,
    async () => whyNotReady(members, probe),
    () => whyNeverReady(members),
  );
}

/** Waits until a process is ready. @throws ClusterError `NOT_READY` after `timeoutMs`, or at once if it has ended. */
export async function awaitProcessReady(
  members: SupervisedProcesses,
  probe: Probe,
  name: string,
  timeoutMs: number,
): Promise<void> {
  const member = members.get(name);
  await waitUntil(
    timeoutMs,
    async () => ((await probe.isReady(member.plan.url)) ? null : `${name} is not ready`),
    () => (member.process.pid === null ? members.describeExit(member) : null),
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

async function whyNotReady(members: SupervisedProcesses, probe: Probe): Promise<string | null> {
  if ((await findLeaderName(members, probe)) === null) return 'no replica leads';
  const frontends = members.withRole('frontend');
  const ready = await Promise.all(frontends.map(async ({ plan }) => probe.isReady(plan.url)));
  const first = frontends[ready.indexOf(false)];
  return first === undefined ? null : `${first.plan.name} is not ready`;
}

/** Why the cluster cannot become ready any more: too many processes have ended. Null if it still can. */
function whyNeverReady(members: SupervisedProcesses): string | null {
  const isDown = ({ process }: SupervisedProcess): boolean => process.pid === null;
  // The cluster does not need its catalogs: without them the leader answers look-ups.
  const frontend = members.withRole('frontend').find(isDown);
  if (frontend !== undefined) return members.describeExit(frontend);
  const replicas = members.withRole('replica');
  const down = replicas.filter(isDown);
  if (replicas.length - down.length > replicas.length / 2) return null;
  return `no majority of replicas is up: ${down.map((member) => members.describeExit(member)).join('; ')}`;
}
