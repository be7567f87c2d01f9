/** Looks at every process of a cluster now and then: its memory, its descriptors, and what it says of itself. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalCluster } from '@trireme/cluster';
import type { StatusSample } from '../rules/observations.js';
import type { ResourceSample } from '../rules/resources.js';

/** Milliseconds between two looks. */
const EVERY_MS = 100;

/** A paused replica does not answer: the others must not wait for it. */
const ANSWER_MS_MAX = 200;

export class Watcher {
  readonly resources: ResourceSample[] = [];
  readonly statuses: StatusSample[] = [];
  readonly #cluster: LocalCluster;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param now milliseconds since the run began. */
  constructor(cluster: LocalCluster, now: () => number) {
    this.#cluster = cluster;
    this.#now = now;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { processes } = this.#cluster.describe();
      await Promise.all(
        processes.map(async ({ id, pid, role, url }) => {
          if (pid === null) return;
          this.#lookAt(id, pid);
          if (role === 'replica') await this.#ask(id, url);
        }),
      );
      await delay(EVERY_MS);
    }
  }

  #lookAt(process: string, pid: number): void {
    try {
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
      const descriptors = readdirSync(`/proc/${pid}/fd`).length;
      this.resources.push({ process, pid, atMs: this.#now(), bytes: Number(kib) * 1024, descriptors });
    } catch {
      // It has just ended.
    }
  }

  async #ask(process: string, url: string): Promise<void> {
    try {
      const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      const status = (await response.json()) as Partial<StatusSample>;
      const { role, term, applied, hash } = status;
      if (role === undefined || term === undefined || applied === undefined || hash === undefined) return;
      this.statuses.push({ process, atMs: this.#now(), role, term, applied, hash });
    } catch {
      // It is down, paused or too busy: nothing is known.
    }
  }
}
