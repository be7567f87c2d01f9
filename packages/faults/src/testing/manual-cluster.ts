/** A cluster whose processes a test starts one by one with its own flags, as an operator would. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreeBasePort } from '@trireme/cluster';

const HOST = '127.0.0.1';
const STEP_MS_MAX = 60_000;

/** One process and its output. */
export interface ManualProcess {
  readonly child: ChildProcess;
  output(): string;
  /** Resolves with the exit code; null after a signal. */
  readonly exitCode: Promise<number | null>;
}

/** Deviations from the default flags of a replica. */
export interface ManualReplicaOptions {
  /** Data folder; default `replica-N`. */
  readonly data?: string;
  /** Peer ports in the flags of this process that differ from the planned ones, by replica. */
  readonly peerPorts?: Readonly<Record<number, number>>;
  /** Internal port; default is the planned one. */
  readonly port?: number;
  readonly bootstrap?: boolean;
}

const REPLICAS = [1, 2, 3];

export class ManualCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'trireme-hand-'));
  readonly #base: number;
  readonly #processes: ManualProcess[] = [];

  private constructor(base: number) {
    this.#base = base;
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, 'secret'), `${'5f'.repeat(32)}\n`, { mode: 0o600 });
  }

  static async open(): Promise<ManualCluster> {
    return new ManualCluster(await findFreeBasePort(5, 1));
  }

  /** Kills every process and removes the folder. */
  async close(): Promise<void> {
    for (const one of this.#processes) await this.kill(one);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Public URL of the front-end. */
  get url(): string {
    return `http://${HOST}:${this.#base}`;
  }

  /** A port that no planned process uses. @param n from 0 to 3 */
  sparePort(n: number): number {
    return this.#base + 134 + n;
  }

  urlOf(replica: number, port = this.#base + 110 + replica): string {
    return `http://${HOST}:${port}`;
  }

  /** The planned peer port of a replica. */
  peerPortOf(replica: number): number {
    return this.#base + 120 + replica;
  }

  dataOf(replica: number): string {
    return join(this.folder, `replica-${replica}`);
  }

  /** Starts the only catalog of the set. */
  startCatalog(): ManualProcess {
    return this.#spawn('catalog', 'catalog-1', this.#base + 81, this.#replicasFlags);
  }

  startFrontend(): ManualProcess {
    return this.#spawn('frontend', 'frontend-1', this.#base, this.#replicasFlags);
  }

  startReplica(
    n: number,
    { data, peerPorts = {}, port, bootstrap = false }: ManualReplicaOptions = {},
  ): ManualProcess {
    const peerPortOf = (one: number): number => peerPorts[one] ?? this.peerPortOf(one);
    const peers = REPLICAS.map((one) => `${one}=http://${HOST}:${peerPortOf(one)}`).join(',');
    return this.#spawn('orders', String(n), port ?? this.#base + 110 + n, [
      ...['--data', data ?? this.dataOf(n), '--peer-port', String(peerPortOf(n)), '--peers', peers],
      ...(bootstrap ? ['--bootstrap'] : []),
      ...['--catalogs', 'catalog-1'],
    ]);
  }

  async kill({ child, exitCode }: ManualProcess): Promise<void> {
    child.kill('SIGKILL');
    await exitCode;
  }

  /**
   * Waits until the output of a process contains `text`.
   * @throws Error with its output after a minute, or if it exits
   */
  async waitForOutput(one: ManualProcess, text: string): Promise<void> {
    await this.waitUntil(
      () => one.output().includes(text),
      () => `"${text}" in: ${one.output()}`,
      one,
    );
  }

  /** Places an order through the front-end, with retries until it is acknowledged. @returns the order number */
  async placeOrder(): Promise<number> {
    const key = `order-${performance.now()}`;
    let number = 0;
    let last = '';
    await this.waitUntil(
      async () => {
        const response = await fetch(`${this.url}/orders`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: '{"name":"AAPL","type":"buy","quantity":1}',
        }).catch(() => null);
        if (response === null) return false;
        last = await response.text();
        if (response.ok)
          number = (JSON.parse(last) as { data: { transaction_number: number } }).data.transaction_number;
        return response.ok;
      },
      () => `an order to be acknowledged; last answer: ${last}`,
    );
    return number;
  }

  async waitUntil(
    condition: () => boolean | Promise<boolean>,
    what: () => string,
    running?: ManualProcess,
  ): Promise<void> {
    const end = performance.now() + STEP_MS_MAX;
    while (!(await condition())) {
      if (performance.now() > end || (running !== undefined && running.child.exitCode !== null))
        throw new Error(`timed out or process exited while waiting for ${what()}`);
      await delay(20);
    }
  }

  get #replicasFlags(): readonly string[] {
    return ['--replicas', REPLICAS.map((n) => `${n}=${this.urlOf(n)}`).join(',')];
  }

  #spawn(program: string, id: string, port: number, flags: readonly string[]): ManualProcess {
    const main = fileURLToPath(new URL(`../../../${program}/dist/main.js`, import.meta.url));
    const child = spawn(
      process.execPath,
      [main, '--id', id, '--port', String(port), '--secret-file', join(this.folder, 'secret'), ...flags],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const exitCode = once(child, 'close').then(([code]) => code as number | null);
    const one = { child, output: () => output, exitCode };
    this.#processes.push(one);
    return one;
  }
}
