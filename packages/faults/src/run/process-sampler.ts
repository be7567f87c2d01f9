/** Samples memory, file descriptors and status of every process of a cluster at a fixed interval. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalCluster } from '@trireme/cluster';
import type { StatusSample } from '../rules/process-checks.js';
import type { ResourceSample } from '../rules/resources.js';

/** Milliseconds between two samples. */
const EVERY_MS = 100;

/** Timeout of a status request, short enough that a paused replica does not delay the sampling of others. */
const ANSWER_MS_MAX = 200;

export class ProcessSampler {
  readonly resources: ResourceSample[] = [];
  readonly statuses: StatusSample[] = [];
  readonly #cluster: LocalCluster;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param now returns milliseconds since the start of the run. */
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
          this.#sampleResources(id, pid);
          if (role === 'replica') await this.#sampleStatus(id, url);
        }),
      );
      await delay(EVERY_MS);
    }
  }

  #sampleResources(process: string, pid: number): void {
    try {
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
      const descriptors = readdirSync(`/proc/${pid}/fd`).length;
      this.resources.push({ process, pid, atMs: this.#now(), bytes: Number(kib) * 1024, descriptors });
    } catch {
      // The process has just exited.
    }
  }

  async #sampleStatus(process: string, url: string): Promise<void> {
    try {
      const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      const status = (await response.json()) as Partial<StatusSample>;
      const { role, term, applied, hash } = status;
      if (role === undefined || term === undefined || applied === undefined || hash === undefined) return;
      this.statuses.push({ process, atMs: this.#now(), role, term, applied, hash });
    } catch {
      // The process is down, paused or too busy to answer.
    }
  }
}
