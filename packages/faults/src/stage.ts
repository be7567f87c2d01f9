/** A cluster of real processes on a folder and ports of its own, for one test, with the requests that tests make. */
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

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  json(): unknown;
}

/** Everything but what every stage chooses for itself. */
interface StageOptions extends Omit<ClusterOptions, 'dataDir' | 'port' | 'output'> {
  /** Gets the empty data folder before anything starts. @returns what is called after all has ended. */
  readonly prepare?: (dataDir: string) => () => void;
}

const WAIT_MS_MAX = 30_000;
const POLL_MS = 20;

export class Stage {
  readonly dataDir: string;
  readonly cluster: LocalCluster;
  readonly #lines: string[];
  #undo: () => void = () => undefined;

  private constructor(dataDir: string, cluster: LocalCluster, lines: string[]) {
    this.dataDir = dataDir;
    this.cluster = cluster;
    this.#lines = lines;
  }

  /** Starts a cluster and waits until it takes orders. */
  static async open({ prepare, ...options }: StageOptions = {}): Promise<Stage> {
    const port = await findFreeBasePort(options.replicas ?? 3, options.frontends ?? 1, options.catalogs);
    const dataDir = mkdtempSync(join(tmpdir(), 'trireme-stage-'));
    const lines: string[] = [];
    const cluster = new LocalCluster({ ...options, dataDir, port, output: (line) => lines.push(line) });
    const stage = new Stage(dataDir, cluster, lines);
    try {
      if (prepare !== undefined) stage.#undo = prepare(dataDir);
      await stage.start();
    } catch (error) {
      await stage.close();
      throw new Error(`the cluster did not start; its last words:\n${lines.slice(-20).join('\n')}`, {
        cause: error,
      });
    }
    return stage;
  }

  /** Has a suite played on a stage that opens before its first test and closes after its last. */
  static of(suite: uvu.Test, options: StageOptions = {}): () => Stage {
    let stage: Stage | null = null;
    suite.before(async () => {
      stage = await Stage.open(options);
    });
    suite.after(async () => {
      await stage?.close();
    });
    return () => {
      if (stage === null) throw new Error('the stage is not open');
      return stage;
    };
  }

  async start(): Promise<void> {
    await this.cluster.start();
    await this.cluster.waitReady();
    for (const { id, role } of this.cluster.describe().processes)
      if (role === 'catalog') await this.cluster.waitProcessReady(id);
  }

  /** Stops every process and removes the folder. */
  async close(): Promise<void> {
    await this.cluster.stop();
    this.#undo();
    this.#undo = () => undefined;
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Console lines of all processes so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const url = this.cluster.urls[options.frontend ?? 0] ?? '';
    const headers = {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    };
    const response = await fetch(url + path, {
      method,
      headers,
      ...(options.body === undefined ? {} : { body: asBody(options.body) }),
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
  ): Promise<Answer> {
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
    return this.request('POST', '/orders', { body: { name, type, quantity }, headers, frontend });
  }

  /** A stock's quantity as front-end `frontend` tells it. */
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

  /** Waits until nothing is pending anywhere and all replicas export the same book, and returns it. */
  async agreedBook(replicas = 3): Promise<string> {
    const ids = Array.from({ length: replicas }, (_, i) => i + 1);
    let books: string[] = [];
    await until('all books are equal and complete', async () => {
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

  /** What the replicas that are up say of themselves. @throws Error if one of them does not answer. */
  async replicas(): Promise<ReplicaState[]> {
    return Promise.all(this.#upReplicas().map(async (entry) => replicaState(this, entry)));
  }

  /** What those replicas say of themselves that answer at all. */
  async answeringReplicas(): Promise<ReplicaState[]> {
    const asked = this.#upReplicas().map(async (entry) => replicaState(this, entry).catch(() => null));
    return (await Promise.all(asked)).filter((state) => state !== null);
  }

  #upReplicas(): readonly ProcessEntry[] {
    const { processes } = this.cluster.describe();
    return processes.filter(({ role, pid }) => role === 'replica' && pid !== null);
  }

  /** The header that lets an operator in. */
  operatorToken(): Readonly<Record<string, string>> {
    const token = readFileSync(join(this.dataDir, OPERATOR_TOKEN_FILE), 'utf8').trim();
    return { authorization: `Bearer ${token}` };
  }

  /** Files below a process's data folder whose names match. */
  files(name: string, pattern: RegExp): string[] {
    const folder = join(this.dataDir, name);
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => pattern.test(file))
      .map((file) => join(folder, file));
  }
}

/** One replica's book and how far it is. */
export interface ReplicaState {
  readonly name: string;
  readonly applied: number;
  readonly hash: string;
  /** Filled orders that are not in its book, or that it does not know to be visible. */
  readonly pending: number;
  readonly book: string;
}

async function replicaState(stage: Stage, { id, url }: ProcessEntry): Promise<ReplicaState> {
  const response = await fetch(`${url}/status`);
  const status = (await response.json()) as { applied: number; hash: string; pending: number };
  const { applied, hash, pending } = status;
  return { name: id, applied, hash, pending, book: await stage.book(Number(id.replace(/\D/g, ''))) };
}

interface RequestOptions {
  /** Sent as JSON, or as it is if it is text. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which front-end, from 0. */
  readonly frontend?: number;
}

function asBody(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** The transaction number in the answer to an order. */
export function numberOf(answer: Answer): number {
  return (answer.json() as { data: { transaction_number: number } }).data.transaction_number;
}

/** The stable word in an error's answer. */
export function statusOf(answer: Answer): string {
  return (answer.json() as { error: { status: string } }).error.status;
}

/** A book's lines behind the heading, as fields. */
export function rowsOf(
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

/** Asks until the answer is yes. @throws Error naming what was waited for, after 30 s. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS_MAX} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
