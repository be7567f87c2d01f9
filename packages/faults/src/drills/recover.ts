/**
 * `npm run faults -- recover`: loses a majority under load, and makes a new cluster from the survivor with
 * `trireme recover`. The survivor hangs for a while before, so that it lacks acknowledged orders. Only orders after
 * the end of its log may be lost, and no process of the old cluster may join the new one.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { TriremeClient } from '@trireme/client';
import { LocalCluster, findFreeBasePort, readSecret } from '@trireme/cluster';
import { EXIT_CODE, parseWholeNumber } from '@trireme/service';
import { Operator, TRIREME } from '../run/operator.js';

interface DrillOptions {
  readonly orders: number;
  readonly clients: number;
  readonly hangMs: number;
}

/** The part of the output of `trireme recover --json` that the drill checks. */
interface Recovery {
  readonly recovered: {
    readonly cluster: string;
    readonly from: { readonly cluster: string; readonly orders: number };
  } | null;
}

const ORDERS_MAIN = fileURLToPath(new URL('../../../orders/dist/main.js', import.meta.url));
const STOCK = 'AAPL';
const PAGE = 1000;
/** How long an old replica may try to join the new cluster after it was refused, in milliseconds. */
const INTRUSION_MS = 3_000;
/** Time limit for an old replica to exit or to be refused, in milliseconds. */
const REFUSAL_MS_MAX = 30_000;
const POLL_MS = 20;

async function recover(options: DrillOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-recover-'));
  const clusters: LocalCluster[] = [];
  const failures: string[] = [];
  const check = (holds: boolean, what: string): void => {
    console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`);
    if (!holds) failures.push(what);
  };
  const open = async (dataDir: string): Promise<LocalCluster> => {
    const cluster = new LocalCluster({
      dataDir,
      port: await findFreeBasePort(3, 1),
      output: () => undefined,
    });
    clusters.push(cluster);
    await cluster.start();
    await cluster.awaitReady();
    return cluster;
  };
  try {
    const [old, out] = [join(folder, 'old'), join(folder, 'new')];
    const { survivor, lost, acknowledged } = await loseMajority(await open(old), options);
    const lostData = lost.map((name) => join(folder, `lost-${name}`));
    for (const name of lost) renameSync(join(old, name), join(folder, `lost-${name}`));
    const refused = await trireme('--data', old);
    check(
      refused.code === 1,
      `without --accept-data-loss nothing is written (exit code ${refused.code ?? '?'})`,
    );
    const before = fingerprint(join(old, survivor));
    const started = performance.now();
    const { code, stdout } = await trireme('--data', old, '--out', out, '--accept-data-loss');
    check(code === 0, `recovered from ${survivor} in ${seconds(started)} s`);
    const { recovered } = JSON.parse(stdout) as Recovery;
    if (recovered === null) throw new Error(`nothing was recovered: ${stdout}`);
    check(fingerprint(join(old, survivor)) === before, `the folder of ${survivor} is unchanged`);
    const cluster = await open(out);
    const found = await numbersOf(cluster);
    const beyond = acknowledged.filter((number) => number > recovered.from.orders);
    const missing = acknowledged.filter((number) => !found.has(number));
    check(
      missing.length === beyond.length && missing.every((number) => number > recovered.from.orders),
      `lost ${missing.length} of ${acknowledged.length} acknowledged orders, all of them above number ` +
        `${recovered.from.orders}, where the log of ${survivor} ends`,
    );
    check(found.size === recovered.from.orders, `the new cluster has ${found.size} orders`);
    check(await isFilled(cluster), `${seconds(started)} s after the command began, an order is filled`);
    for (const data of lostData) await intrude(data, { cluster, recovered, check });
    check(await isFilled(cluster), 'an order is filled');
  } finally {
    for (const cluster of clusters) await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = failures.length === 0 ? 0 : 1;
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);

/** Fills the book, then kills all processes under load. @returns the numbers of all acknowledged orders */
async function loseMajority(
  cluster: LocalCluster,
  { orders, clients, hangMs }: DrillOptions,
): Promise<{ survivor: string; lost: readonly string[]; acknowledged: readonly number[] }> {
  const client = new TriremeClient({ url: cluster.urls[0] ?? '', connections: clients });
  const acknowledged: number[] = [];
  let isRunning = true;
  const worker = async (): Promise<void> => {
    while (isRunning) {
      const order = await client.order({ name: STOCK, type: 'sell', quantity: 1 }).catch(() => null);
      if (order !== null) acknowledged.push(order.number);
    }
  };
  const load = Array.from({ length: clients }, worker);
  try {
    while (acknowledged.length < orders) await delay(POLL_MS);
    const leader = await cluster.leaderName();
    const replicas = cluster.describe().processes.filter(({ role }) => role === 'replica');
    const [survivor = ''] = replicas.map(({ id }) => id).filter((id) => id !== leader);
    await cluster.pause(survivor);
    await delay(hangMs);
    for (const { id } of replicas) await cluster.kill(id);
    return {
      survivor,
      lost: replicas.map(({ id }) => id).filter((id) => id !== survivor),
      acknowledged,
    };
  } finally {
    isRunning = false;
    await cluster.stop();
    await Promise.all(load);
    await client.close();
  }
}

async function trireme(...args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [TRIREME, 'recover', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

/** The numbers of all orders that the cluster has. */
async function numbersOf({ urls }: LocalCluster): Promise<ReadonlySet<number>> {
  const client = new TriremeClient({ url: urls[0] ?? '' });
  const numbers = new Set<number>();
  try {
    let after: string | undefined;
    do {
      const { data, next } = await client.orders({ after, limit: PAGE });
      for (const { number } of data) numbers.add(number);
      after = next ?? undefined;
    } while (after !== undefined);
    return numbers;
  } finally {
    await client.close();
  }
}

async function isFilled({ urls }: LocalCluster): Promise<boolean> {
  const client = new TriremeClient({ url: urls[0] ?? '' });
  try {
    await client.order({ name: STOCK, type: 'sell', quantity: 1 });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

type Check = (holds: boolean, what: string) => void;

/** Starts an old replica on its old data, with the addresses and the secret of the new cluster. */
async function intrude(
  data: string,
  context: {
    readonly cluster: LocalCluster;
    readonly recovered: NonNullable<Recovery['recovered']>;
    readonly check: Check;
  },
): Promise<void> {
  const { cluster, recovered, check } = context;
  const name = /replica-(\d+)/.exec(data)?.[1] ?? '';
  const before = await groupOf(cluster);
  const renamed = await OldReplica.start({ data, name, cluster, as: recovered.cluster });
  await renamed.awaitOutput('belongs to cluster');
  check(
    renamed.hasPrinted('belongs to cluster') && (await renamed.exitCode) === EXIT_CODE.usage,
    `old replica ${name} refuses to start with the new cluster's name`,
  );
  await renamed.kill();
  const intruder = await OldReplica.start({ data, name, cluster, as: recovered.from.cluster });
  await intruder.awaitOutput('WRONG_CLUSTER');
  check(
    intruder.hasPrinted('WRONG_CLUSTER'),
    `old replica ${name} with the new secret is refused by its cluster`,
  );
  await delay(INTRUSION_MS);
  check(intruder.isRunning, `old replica ${name} goes on trying for ${INTRUSION_MS / 1000} s`);
  await intruder.kill();
  const after = await groupOf(cluster);
  check(
    before !== null && after === before,
    `the new cluster keeps its leader, term and members: ${after ?? 'no leader'}`,
  );
}

/** A replica of the old cluster, started outside a cluster. */
class OldReplica {
  /** Exit code, once it has exited; null after a signal. */
  readonly exitCode: Promise<number | null>;
  readonly #process: ReturnType<typeof spawn>;
  #isRunning = true;
  #output = '';

  private constructor(args: readonly string[]) {
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.exitCode = new Promise((resolve) =>
      this.#process.once('close', (code) => {
        this.#isRunning = false;
        resolve(code);
      }),
    );
  }

  /** @param options.as the name of its cluster according to its flags */
  static async start(options: {
    readonly data: string;
    readonly name: string;
    readonly cluster: LocalCluster;
    readonly as: string;
  }): Promise<OldReplica> {
    const { data, name, cluster, as } = options;
    const secret = `${data}.secret`;
    writeFileSync(secret, `${readSecret(cluster.dataDir)}\n`, { mode: 0o600 });
    // The ports of two front-ends.
    const port = await findFreeBasePort(1, 2);
    const peers = new Map([[name, `http://127.0.0.1:${port + 1}`]]);
    for (const { id, role, peerUrl = '' } of cluster.describe().processes) {
      const peer = id.replace('replica-', '');
      if (role === 'replica' && peer !== name) peers.set(peer, peerUrl);
    }
    const flags = {
      id: name,
      data,
      cluster: as,
      'secret-file': secret,
      port: String(port),
      'peer-port': String(port + 1),
      peers: [...peers].map((entry) => entry.join('=')).join(','),
    };
    return new OldReplica([
      ORDERS_MAIN,
      ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
    ]);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  hasPrinted(words: string): boolean {
    return this.#output.includes(words);
  }

  /** Waits until it has printed these words or has exited, within the time limit. */
  async awaitOutput(words: string): Promise<void> {
    const until = performance.now() + REFUSAL_MS_MAX;
    while (!this.hasPrinted(words) && this.#isRunning && performance.now() < until) await delay(POLL_MS);
    if (!this.hasPrinted(words)) console.error(this.#output);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exitCode;
  }
}

/** Leader, term and members of the group in words; null if its leader does not answer. */
async function groupOf(cluster: LocalCluster): Promise<string | null> {
  const operator = await Operator.open(cluster);
  try {
    const group = await operator.group();
    if (group === null) return null;
    const members = group.members.map(({ id, role }) => `${id} ${role}`).join(', ');
    return `replica ${group.self} leads in term ${group.term}, members ${members}`;
  } finally {
    await operator.close();
  }
}

/** Hash of the names and contents of all files. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files.sort()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

export function recoverCommand(): Command {
  return new Command('npm run faults -- recover')
    .description(
      'Loses two of three replicas under load, recovers from the third one with trireme recover, counts the ' +
        'acknowledged orders that are lost, and starts the old replicas against the new cluster. Exits with 1 if ' +
        'anything is lost that the log of the survivor has, or an old replica joins.',
    )
    .option('--orders <n>', 'orders before the loss', parseWholeNumber(0, 100_000_000), 500)
    .option('--clients <n>', 'concurrent orders', parseWholeNumber(1, 256), 8)
    .option('--hang-ms <n>', 'time that the survivor hangs before the loss', parseWholeNumber(0, 60_000), 300)
    .action(recover);
}
