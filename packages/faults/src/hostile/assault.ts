/** The whole assault as a scenario: every port is attacked while orders flow, and every promise must hold all the same. */
import { readFileSync, readdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { OPERATOR_TOKEN_FILE, readSecret, serveControl } from '@trireme/cluster';
import { problemOfAttack, type AttackResult } from '../rules/assault.js';
import type { Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';
import type { Attack, Base, Port } from './attack.js';
import { attackPort } from './connection.js';
import { httpAttacks } from './http-attacks.js';
import {
  CONTROL_BASE,
  catalogAttacks,
  controlAttacks,
  oldMessageAttacks,
  peerAttacks,
  replicaAttacks,
} from './internal-attacks.js';
import { PUBLIC_BASE, publicAttacks } from './public-attacks.js';
import { readerAttacks, slowAttacks } from './slow-attacks.js';

/** Attacks at a time; the slow ones have a lane of their own, since they last. */
const LANES = 16;
const SLOW_LANES = 64;

const PROBLEMS_TOLD_MAX = 10;
const MADE_AT_ONCE = 20;

/** A learner that is let into the group and never runs: its links are the attacker's alone. */
const STOLEN = '9';
const NOBODY_URL = 'http://127.0.0.1:1';
/** Well above what it takes to be displaced by another link. */
const SILENCE_MS_MIN = 1_000;

interface AssaultOptions {
  /** Every how many-th attack of each kind is carried out; 1 for all. */
  readonly every: number;
  /** Whether those are carried out that take seconds. */
  readonly slow: boolean;
  readonly onResult: (result: AttackResult) => void;
}

/** @returns a scenario for `play`; what became of each attack is told to `onResult` */
export function assault(options: AssaultOptions): Scenario {
  return {
    name: 'hostile clients on every port: each is refused or cut off, and orders flow',
    // Whoever gives up early learns no outcome, which would count as an error here.
    workload: { clients: 6, impatient: 0, pauseMs: 15 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      const secret = readSecret(run.dataDir);
      const control = await serveControl({ cluster: run.cluster, secret, port: 0 });
      try {
        await attackAll(run, control, options);
      } finally {
        control.close();
        control.closeAllConnections();
      }
      await run.progress();
      checkLogs(join(run.dataDir, 'logs'));
    },
  };
}

/** No request of anyone may have a process, or a library in it, write anything but lines of its log. */
function checkLogs(folder: string): void {
  for (const file of readdirSync(folder)) {
    const odd = readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .find((line) => line !== '' && !line.startsWith('{'));
    if (odd !== undefined) throw new Error(`${file} has a line that is none of the log: ${odd}`);
  }
}

async function attackAll(
  run: Run,
  control: Server,
  { every, slow, onResult }: AssaultOptions,
): Promise<void> {
  await raiseTerm(run);
  await admit(run, STOLEN);
  const targets = await targetsOf(run, (control.address() as AddressInfo).port);
  const attacks = (await attacksFor(run)).filter((_, i) => i % every === 0);
  run.note(`${attacks.length} attacks`);
  const problems: string[] = [];
  const carryOut = async (attack: Attack, i: number): Promise<void> => {
    const ports = targets[attack.port];
    const outcome = await attackPort(ports[i % ports.length] ?? 0, attack);
    const result = { ...attack, ...outcome };
    onResult(result);
    const problem =
      isAlone(attack) && isSlow(attack) && result.tookMs < SILENCE_MS_MIN
        ? `was cut off after ${Math.round(result.tookMs)} ms`
        : problemOfAttack(result);
    if (problem !== null) problems.push(`${attack.port}, ${attack.kind}, ${attack.name}: ${problem}`);
  };
  const isSlow = ({ kind }: Attack): boolean => SLOW_KINDS.has(kind);
  // Members hear one link of each other, and a next one takes its place.
  const isAlone = ({ port, kind }: Attack): boolean => port === 'peer' && kind !== 'slow';
  const due = slow ? attacks : attacks.filter((attack) => !isSlow(attack));
  const among = due.filter((attack) => !isAlone(attack));
  await Promise.all([
    inLanes(
      LANES,
      among.filter((attack) => !isSlow(attack)),
      carryOut,
    ),
    inLanes(SLOW_LANES, among.filter(isSlow), carryOut),
    inLanes(1, due.filter(isAlone), carryOut),
  ]);
  if (problems.length > 0) {
    throw new Error(
      `${problems.length} attacks did not end as they should:\n${problems.slice(0, PROBLEMS_TOLD_MAX).join('\n')}`,
    );
  }
}

const SLOW_KINDS: ReadonlySet<string> = new Set([
  'slow',
  'reader that does not read',
  'frame that does not come',
  'silence on a link',
]);

/** So that there are messages of an old term to replay. */
async function raiseTerm(run: Run): Promise<void> {
  const leader = await run.leader();
  await run.kill(leader, 'SIGTERM');
  await run.newLeader(leader);
  await run.start(leader);
  await run.until(`${leader} follows`, async () => (await run.stage.replicas()).length === 3);
}

/** Has the group hear a member that does not run. */
async function admit(run: Run, id: string): Promise<void> {
  const leader = await run.leader();
  const url = run.cluster.describe().processes.find((entry) => entry.id === leader)?.url ?? '';
  const change = [{ type: 'addLearner', id, peerUrl: NOBODY_URL, url: NOBODY_URL }];
  const response = await fetch(`${url}/members`, {
    method: 'POST',
    headers: { 'x-trireme-secret': readSecret(run.dataDir) },
    body: JSON.stringify({ change }),
  });
  if (!response.ok) throw new Error(`the learner is refused: ${await response.text()}`);
}

/** The ports to attack, by kind. */
async function targetsOf(run: Run, control: number): Promise<Readonly<Record<Port, readonly number[]>>> {
  const { processes } = run.cluster.describe();
  const portsOf = (role: string): number[] =>
    processes.filter((entry) => entry.role === role).map(({ url }) => Number(new URL(url).port));
  const [victim = ''] = await run.followers();
  const peerUrl = processes.find(({ id }) => id === victim)?.peerUrl ?? '';
  return {
    public: portsOf('frontend'),
    replica: portsOf('replica'),
    catalog: portsOf('catalog'),
    peer: [Number(new URL(peerUrl).port)],
    control: [control],
  };
}

async function attacksFor(run: Run): Promise<Attack[]> {
  const secret = readSecret(run.dataDir);
  const operatorToken = readFileSync(join(run.dataDir, OPERATOR_TOKEN_FILE), 'utf8').trim();
  const [victim = '', other = ''] = (await run.followers()).map((name) => name.replace('replica-', ''));
  const cluster = { name: 'trireme', secret };
  const guarded = (port: Port, path: string): Base => ({
    ...{ port, path, method: 'GET', headers: { host: 'x' }, body: 'x' },
  });
  const bases = [
    PUBLIC_BASE,
    guarded('replica', '/export'),
    guarded('catalog', '/nowhere'),
    guarded('peer', '/raft'),
    CONTROL_BASE,
  ];
  const member = { ...cluster, to: victim, version: await raftVersion(run, victim, secret) };
  const parts: readonly Iterable<Attack>[] = [
    ...bases.flatMap((base) => [httpAttacks(base), slowAttacks(base)]),
    publicAttacks(operatorToken),
    readerAttacks(),
    replicaAttacks(cluster),
    catalogAttacks(cluster),
    peerAttacks({ ...member, as: STOLEN }),
    oldMessageAttacks({ ...member, as: other }, [0, 1]),
    controlAttacks(secret),
  ];
  const attacks: Attack[] = [];
  for (const part of parts) {
    for (const attack of part) {
      attacks.push(attack);
      // Making them takes a second of this process, through which every link of the cluster goes.
      if (attacks.length % MADE_AT_ONCE === 0) await setImmediate();
    }
  }
  return attacks;
}

/** The version of the messages between members, as one of them names it to who speaks another. */
async function raftVersion(run: Run, id: string, secret: string): Promise<string> {
  const url = run.cluster.describe().processes.find((entry) => entry.id === `replica-${id}`)?.peerUrl ?? '';
  const headers = { 'x-raft-secret': secret, 'x-raft-cluster': 'trireme', 'x-raft-version': '0' };
  const response = await fetch(`${url}/raft/snapshot`, { method: 'POST', headers });
  const version = /version (\d+)/.exec(await response.text())?.[1];
  if (version === undefined) throw new Error('the peer port does not name its version');
  return version;
}

async function inLanes<T>(
  lanes: number,
  items: readonly T[],
  work: (item: T, i: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [i, item] of queue) await work(item, i);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
