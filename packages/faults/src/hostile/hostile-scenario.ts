/**
 * A scenario that attacks every port of a cluster while clients place orders. All checks of a scenario apply.
 */
import { readFileSync, readdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { OPERATOR_TOKEN_FILE, readClusterName, readSecret, serveControl } from '@trireme/cluster';
import { checkAttack, type AttackResult } from '../rules/attack-results.js';
import type { ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';
import type { Attack, RequestTemplate, PortKind } from './attack.js';
import { runAttack } from './attack-port.js';
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

/** Number of concurrent attacks; slow attacks run separately. */
const WORKERS = 16;
const SLOW_WORKERS = 64;

/** Maximum number of problems in the error message. */
const PROBLEMS_SHOWN_MAX = 10;
const ATTACKS_PER_TURN = 20;

/** Id of a learner that is added to the group and never runs, so that only attackers open links in its name. */
const IMPERSONATED_ID = '9';
const UNUSED_URL = 'http://127.0.0.1:1';
/**
 * An attack on a link that should stay silent must last longer than this. A replaced link closes much sooner.
 */
const SILENCE_MS_MIN = 1_000;

interface AssaultOptions {
  /** Carries out only every n-th attack; 1 for all. */
  readonly every: number;
  /** Whether to include attacks that take several seconds. */
  readonly slow: boolean;
  /** Called after each attack. */
  readonly onResult: (result: AttackResult) => void;
}

/** @returns a scenario that carries out the attacks and passes each result to `onResult` */
export function hostileScenario(options: AssaultOptions): Scenario {
  return {
    name: 'hostile clients attack every port: each is refused or disconnected, and orders continue',
    // An impatient client does not learn the outcome, which would count as an error.
    workload: { clients: 6, clientsWithShortTimeout: 0, pauseMs: 15 },
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
      await run.waitForOrders();
      checkLogs(join(run.dataDir, 'logs'));
    },
  };
}

/** No request may make a process, or a library in it, write anything but JSON lines to its log. */
function checkLogs(folder: string): void {
  for (const file of readdirSync(folder)) {
    const odd = readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .find((line) => line !== '' && !line.startsWith('{'));
    if (odd !== undefined) throw new Error(`${file} contains a line that is not JSON: ${odd}`);
  }
}

async function attackAll(
  run: ScenarioRun,
  control: Server,
  { every, slow, onResult }: AssaultOptions,
): Promise<void> {
  await raiseTerm(run);
  await addLearner(run, IMPERSONATED_ID);
  const targets = await targetsOf(run, (control.address() as AddressInfo).port);
  const attacks = (await attacksFor(run)).filter((_, i) => i % every === 0);
  run.note(`${attacks.length} attacks`);
  const problems: string[] = [];
  const carryOut = async (attack: Attack, i: number): Promise<void> => {
    const ports = targets[attack.port];
    const outcome = await runAttack(ports[i % ports.length] ?? 0, attack);
    const result = { ...attack, ...outcome };
    onResult(result);
    const problem =
      isExclusive(attack) && isSlow(attack) && result.tookMs < SILENCE_MS_MIN
        ? `was disconnected after ${Math.round(result.tookMs)} ms, before the link's timeout`
        : checkAttack(result);
    if (problem !== null) problems.push(`${attack.port}, ${attack.kind}, ${attack.name}: ${problem}`);
  };
  const isSlow = ({ kind }: Attack): boolean => SLOW_KINDS.has(kind);
  // A member accepts one link of each peer, and a new one replaces it, so these attacks run one at a time.
  const isExclusive = ({ port, kind }: Attack): boolean => port === 'peer' && kind !== 'slow';
  const due = slow ? attacks : attacks.filter((attack) => !isSlow(attack));
  const concurrent = due.filter((attack) => !isExclusive(attack));
  await Promise.all([
    forEachConcurrently(
      WORKERS,
      concurrent.filter((attack) => !isSlow(attack)),
      carryOut,
    ),
    forEachConcurrently(SLOW_WORKERS, concurrent.filter(isSlow), carryOut),
    forEachConcurrently(1, due.filter(isExclusive), carryOut),
  ]);
  if (problems.length > 0) {
    throw new Error(
      `${problems.length} attacks had an unexpected result:\n${problems.slice(0, PROBLEMS_SHOWN_MAX).join('\n')}`,
    );
  }
}

const SLOW_KINDS: ReadonlySet<string> = new Set([
  'slow',
  'reader that does not read',
  'incomplete frame',
  'silence on a link',
]);

/** Raises the term, so that messages of an old term can be replayed. */
async function raiseTerm(run: ScenarioRun): Promise<void> {
  const leader = await run.waitForLeader();
  await run.kill(leader, 'SIGTERM');
  await run.waitForOtherLeader(leader);
  await run.start(leader);
  await run.waitUntil(
    `${leader} has restarted`,
    async () => (await run.testCluster.replicaStates()).length === 3,
  );
}

/** Adds a learner that does not run to the group. */
async function addLearner(run: ScenarioRun, id: string): Promise<void> {
  const leader = await run.waitForLeader();
  const url = run.cluster.describe().processes.find((entry) => entry.id === leader)?.url ?? '';
  const change = [{ type: 'addLearner', id, peerUrl: UNUSED_URL, url: UNUSED_URL }];
  const response = await fetch(`${url}/members`, {
    method: 'POST',
    headers: { 'x-trireme-secret': readSecret(run.dataDir) },
    body: JSON.stringify({ change }),
  });
  if (!response.ok) throw new Error(`adding learner ${id} failed: ${await response.text()}`);
}

/** Port numbers to attack, by kind of port. */
async function targetsOf(
  run: ScenarioRun,
  control: number,
): Promise<Readonly<Record<PortKind, readonly number[]>>> {
  const { processes } = run.cluster.describe();
  const portsOf = (role: string): number[] =>
    processes.filter((entry) => entry.role === role).map(({ url }) => Number(new URL(url).port));
  const [victim = ''] = await run.waitForFollowers();
  const peerUrl = processes.find(({ id }) => id === victim)?.peerUrl ?? '';
  return {
    public: portsOf('frontend'),
    replica: portsOf('replica'),
    catalog: portsOf('catalog'),
    peer: [Number(new URL(peerUrl).port)],
    control: [control],
  };
}

async function attacksFor(run: ScenarioRun): Promise<Attack[]> {
  const secret = readSecret(run.dataDir);
  const operatorToken = readFileSync(join(run.dataDir, OPERATOR_TOKEN_FILE), 'utf8').trim();
  const [victim = '', other = ''] = (await run.waitForFollowers()).map((name) =>
    name.replace('replica-', ''),
  );
  const cluster = { name: readClusterName(run.dataDir), secret };
  const guarded = (port: PortKind, path: string): RequestTemplate => ({
    port,
    path,
    method: 'GET',
    headers: { host: 'x' },
    body: 'x',
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
    peerAttacks({ ...member, as: IMPERSONATED_ID }),
    oldMessageAttacks({ ...member, as: other }, [0, 1]),
    controlAttacks(secret),
  ];
  const attacks: Attack[] = [];
  for (const part of parts) {
    for (const attack of part) {
      attacks.push(attack);
      // Building all attacks takes a second, and every link of the cluster runs through this process.
      if (attacks.length % ATTACKS_PER_TURN === 0) await setImmediate();
    }
  }
  return attacks;
}

/** The newest version of Raft messages, which a member returns when it refuses a request with another version. */
async function raftVersion(run: ScenarioRun, id: string, secret: string): Promise<string> {
  const url = run.cluster.describe().processes.find((entry) => entry.id === `replica-${id}`)?.peerUrl ?? '';
  const headers = {
    'x-raft-secret': secret,
    'x-raft-cluster': readClusterName(run.dataDir),
    'x-raft-version': '0',
  };
  const response = await fetch(`${url}/raft/snapshot`, { method: 'POST', headers });
  const version = /versions? (\d+)/.exec(await response.text())?.[1];
  if (version === undefined) throw new Error('the peer port did not return its message version');
  return version;
}

async function forEachConcurrently<T>(
  workers: number,
  items: readonly T[],
  work: (item: T, i: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) await work(item, i);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
