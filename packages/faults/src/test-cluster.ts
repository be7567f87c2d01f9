/**
 * A cluster of real processes for one test, with its own folder and ports, and the requests that tests need.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as uvu from 'uvu';
import {
  LocalCluster,
  OPERATOR_TOKEN_FILE,
  findFreeBasePort,
  readSecret,
  type ClusterOptions,
  type ProcessEntry,
} from '@trireme/cluster';

/** The built-in stocks of a new cluster. */
export const STOCKS = [
  'GameStart',
  'RottenFishCo',
  'BoarCo',
  'MenhirCo',
  'AAPL',
  'AMZN',
  'GOOGL',
  'META',
  'NVDA',
  'NFLX',
];

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  json(): unknown;
}

/** Options of the cluster, except for those that every test cluster chooses itself. */
interface TestClusterOptions extends Omit<ClusterOptions, 'dataDir' | 'port' | 'output'> {
  /**
   * Called with the empty data folder before any process starts.
   * @returns a clean-up to call after all have exited
   */
  readonly prepare?: (dataDir: string) => () => void;
}

const WAIT_MS_MAX = 30_000;
const POLL_MS = 20;

export class TestCluster {
  readonly dataDir: string;
  readonly cluster: LocalCluster;
  readonly #lines: string[];
  #undo: () => void = () => undefined;

  private constructor(dataDir: string, cluster: LocalCluster, lines: string[]) {
    this.dataDir = dataDir;
    this.cluster = cluster;
    this.#lines = lines;
  }

  /**
   * Starts a cluster and waits until it is ready.
   * @throws Error with the last console lines if it does not start
   */
  static async open({ prepare, ...options }: TestClusterOptions = {}): Promise<TestCluster> {
    const port = await findFreeBasePort(options.replicas ?? 3, options.frontends ?? 1, options.catalogs);
    const dataDir = mkdtempSync(join(tmpdir(), 'trireme-test-'));
    const lines: string[] = [];
    const cluster = new LocalCluster({ ...options, dataDir, port, output: (line) => lines.push(line) });
    const testCluster = new TestCluster(dataDir, cluster, lines);
    try {
      if (prepare !== undefined) testCluster.#undo = prepare(dataDir);
      await testCluster.start();
    } catch (error) {
      await testCluster.close();
      throw new Error(`the cluster did not start; its last output:\n${lines.slice(-20).join('\n')}`, {
        cause: error,
      });
    }
    return testCluster;
  }

  /**
   * Opens a cluster before the first test of a suite and closes it after the last one.
   * @returns a getter for the cluster
   */
  static forSuite(suite: uvu.Test, options: TestClusterOptions = {}): () => TestCluster {
    let testCluster: TestCluster | null = null;
    suite.before(async () => {
      testCluster = await TestCluster.open(options);
    });
    suite.after(async () => {
      await testCluster?.close();
    });
    return () => {
      if (testCluster === null) throw new Error('the test cluster is not started');
      return testCluster;
    };
  }

  async start(): Promise<void> {
    await this.cluster.start();
    await this.cluster.awaitReady();
    for (const { id, role } of this.cluster.describe().processes)
      if (role === 'catalog') await this.cluster.awaitProcessReady(id);
  }

  /** Stops every process and removes the folder. */
  async close(): Promise<void> {
    await this.cluster.stop();
    this.#undo();
    this.#undo = () => undefined;
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** All console lines of all processes so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<HttpAnswer> {
    const url = this.cluster.urls[options.frontend ?? 0] ?? '';
    const { body, headers = {} } = options;
    const response = await fetch(url + path, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : asBody(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => JSON.parse(text) as unknown,
    };
  }

  async order(
    type: 'buy' | 'sell',
    name: string,
    quantity: number,
    key?: string,
    frontend = 0,
  ): Promise<HttpAnswer> {
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
    return this.request('POST', '/orders', { body: { name, type, quantity }, headers, frontend });
  }

  /** Quantity of a stock, read through front-end `frontend`. */
  async quantity(name: string, frontend = 0): Promise<number> {
    const answer = await this.request('GET', `/stocks/${name}`, { frontend });
    return (answer.json() as { data: { quantity: number } }).data.quantity;
  }

  /** The order book of replica `id` as CSV. */
  async book(id: number): Promise<string> {
    const secret = readSecret(this.dataDir);
    const response = await fetch(`${this.#replicaUrl(id)}/export`, {
      headers: { 'x-trireme-secret': secret },
    });
    return response.text();
  }

  /**
   * Waits until no replica has pending orders and all of them export the same book.
   * @returns the book as CSV
   */
  async waitForEqualBooks(replicas = 3): Promise<string> {
    const ids = Array.from({ length: replicas }, (_, i) => i + 1);
    let books: string[] = [];
    await waitUntil('all books are equal and complete', async () => {
      const pending = await Promise.all(ids.map(async (id) => this.#pending(id)));
      books = await Promise.all(ids.map(async (id) => this.book(id)));
      return pending.every((count) => count === 0) && new Set(books).size === 1;
    });
    return books[0] ?? '';
  }

  async #pending(id: number): Promise<number> {
    const response = await fetch(`${this.#replicaUrl(id)}/status`);
    return ((await response.json()) as { pending: number }).pending;
  }

  #replicaUrl(id: number): string {
    const { processes } = this.cluster.describe();
    return processes.find((entry) => entry.id === `replica-${id}`)?.url ?? '';
  }

  /** States of all running replicas. @throws Error if one of them does not answer. */
  async replicaStates(): Promise<ReplicaSnapshotState[]> {
    return Promise.all(this.#runningReplicas().map(async (entry) => replicaState(this, entry)));
  }

  /** States of the running replicas that answer. */
  async reachableReplicaStates(): Promise<ReplicaSnapshotState[]> {
    const states = this.#runningReplicas().map(async (entry) => replicaState(this, entry).catch(() => null));
    return (await Promise.all(states)).filter((state) => state !== null);
  }

  #runningReplicas(): readonly ProcessEntry[] {
    const { processes } = this.cluster.describe();
    return processes.filter(({ role, pid }) => role === 'replica' && pid !== null);
  }

  /** The authorization header of an operator. */
  operatorHeaders(): Readonly<Record<string, string>> {
    const token = readFileSync(join(this.dataDir, OPERATOR_TOKEN_FILE), 'utf8').trim();
    return { authorization: `Bearer ${token}` };
  }

  /** Paths of the files in a folder of the data folder, with subfolders, that match. */
  files(name: string, pattern: RegExp): string[] {
    const folder = join(this.dataDir, name);
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => pattern.test(file))
      .map((file) => join(folder, file));
  }
}

/** Order book and progress of one replica. */
export interface ReplicaSnapshotState {
  readonly name: string;
  readonly applied: number;
  readonly hash: string;
  /** Number of filled orders that are not in its book yet, or that it does not know to be visible. */
  readonly pending: number;
  readonly book: string;
}

async function replicaState(
  testCluster: TestCluster,
  { id, url }: ProcessEntry,
): Promise<ReplicaSnapshotState> {
  const response = await fetch(`${url}/status`);
  const status = (await response.json()) as { applied: number; hash: string; pending: number };
  const { applied, hash, pending } = status;
  return { name: id, applied, hash, pending, book: await testCluster.book(Number(id.replace(/\D/g, ''))) };
}

interface RequestOptions {
  /** Sent as JSON, or unchanged if it is a string. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Index of the front-end, from 0. */
  readonly frontend?: number;
}

function asBody(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** The transaction number in the answer to an order. */
export function orderNumberOf(answer: HttpAnswer): number {
  return (answer.json() as { data: { transaction_number: number } }).data.transaction_number;
}

/** The status word in an error answer. */
export function errorStatusOf(answer: HttpAnswer): string {
  return (answer.json() as { error: { status: string } }).error.status;
}

/** Fields of the lines of an exported book, without its heading. */
export function parseBookRows(
  book: string,
): readonly (readonly [number: number, name: string, type: string, quantity: number])[] {
  return book
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [number = '', name = '', type = '', quantity = ''] = line.split(',');
      return [Number(number), name, type, Number(quantity)];
    });
}

/** Polls until the condition holds. @throws Error with `what` after 30 s. */
export async function waitUntil(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`timed out after ${WAIT_MS_MAX} ms waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
