/** A cluster whose processes are started one by one with flags of the test's own, as an operator does it. */
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

/** One process, with all that it wrote. */
export interface HandProcess {
  readonly child: ChildProcess;
  output(): string;
  /** Resolves with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

/** What sets a replica apart from how it is started as a rule. */
export interface ReplicaOptions {
  /** Its data folder; `replica-N` unless set. */
  readonly data?: string;
  /** Peer port by replica where it is not the planned one, as in the flags of this process. */
  readonly peerPorts?: Readonly<Record<number, number>>;
  /** Its internal port where it is not the planned one. */
  readonly port?: number;
  readonly bootstrap?: boolean;
}

const REPLICAS = [1, 2, 3];

export class HandRun {
  readonly folder = mkdtempSync(join(tmpdir(), 'trireme-hand-'));
  readonly #base: number;
  readonly #processes: HandProcess[] = [];

  private constructor(base: number) {
    this.#base = base;
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, 'secret'), `${'5f'.repeat(32)}\n`, { mode: 0o600 });
  }

  static async open(): Promise<HandRun> {
    return new HandRun(await findFreeBasePort(5, 1));
  }

  /** Ends every process and removes the folder. */
  async close(): Promise<void> {
    for (const one of this.#processes) await this.kill(one);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Public url of the front-end. */
  get url(): string {
    return `http://${HOST}:${this.#base}`;
  }

  /** A port that no process of the plan has; `n` from 0 to 3. */
  sparePort(n: number): number {
    return this.#base + 134 + n;
  }

  urlOf(replica: number, port = this.#base + 110 + replica): string {
    return `http://${HOST}:${port}`;
  }

  /** The peer port that is planned for a replica. */
  peerPortOf(replica: number): number {
    return this.#base + 120 + replica;
  }

  dataOf(replica: number): string {
    return join(this.folder, `replica-${replica}`);
  }

  /** The only one of the set. */
  catalog(): HandProcess {
    return this.#spawn('catalog', 'catalog-1', this.#base + 81, this.#replicasFlags);
  }

  frontend(): HandProcess {
    return this.#spawn('frontend', 'frontend-1', this.#base, this.#replicasFlags);
  }

  replica(n: number, { data, peerPorts = {}, port, bootstrap = false }: ReplicaOptions = {}): HandProcess {
    const peerPortOf = (one: number): number => peerPorts[one] ?? this.peerPortOf(one);
    const peers = REPLICAS.map((one) => `${one}=http://${HOST}:${peerPortOf(one)}`).join(',');
    return this.#spawn('orders', String(n), port ?? this.#base + 110 + n, [
      ...['--data', data ?? this.dataOf(n), '--peer-port', String(peerPortOf(n)), '--peers', peers],
      ...(bootstrap ? ['--bootstrap'] : []),
      ...['--catalogs', 'catalog-1'],
    ]);
  }

  async kill({ child, ended }: HandProcess): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }

  /** Waits until the process has written `text`. @throws Error with all that it wrote, after a minute or at its end. */
  async wrote(one: HandProcess, text: string): Promise<void> {
    await this.until(
      () => one.output().includes(text),
      () => `"${text}" in: ${one.output()}`,
      one,
    );
  }

  /** Places an order through the front-end, again with the same key until it is taken; gives its number. */
  async order(): Promise<number> {
    const key = `order-${performance.now()}`;
    let number = 0;
    let last = '';
    await this.until(
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
      () => `an order to be taken: ${last}`,
    );
    return number;
  }

  async until(
    condition: () => boolean | Promise<boolean>,
    what: () => string,
    running?: HandProcess,
  ): Promise<void> {
    const end = performance.now() + STEP_MS_MAX;
    while (!(await condition())) {
      if (performance.now() > end || (running !== undefined && running.child.exitCode !== null))
        throw new Error(`waited in vain for ${what()}`);
      await delay(20);
    }
  }

  get #replicasFlags(): readonly string[] {
    return ['--replicas', REPLICAS.map((n) => `${n}=${this.urlOf(n)}`).join(',')];
  }

  #spawn(program: string, id: string, port: number, flags: readonly string[]): HandProcess {
    const main = fileURLToPath(new URL(`../../../${program}/dist/main.js`, import.meta.url));
    const child = spawn(
      process.execPath,
      [main, '--id', id, '--port', String(port), '--secret-file', join(this.folder, 'secret'), ...flags],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const one = { child, output: () => output, ended };
    this.#processes.push(one);
    return one;
  }
}
