/** Snapshots of the test machine, controlled by the test: the records of its entries, one in each chunk. */
import * as assert from 'uvu/assert';
import { readEntry } from '../core/entry.js';
import { RaftError } from '../core/errors.js';
import { makeBase, makeLog } from '../core/testing/messages.js';
import type { Entry, LogBase } from '../core/types.js';
import type { SnapshotSupport, SnapshotView, StagedSnapshot } from '../state-machine.js';
import type { IncomingSnapshot } from '../transport/transport.js';
import { TestMachine } from './test-node.js';

export class TestSnapshots implements SnapshotSupport {
  restoredBase: LogBase | null = null;
  /** Indexes up to which the machine was made durable. */
  readonly synced: number[] = [];
  /** The steps that were called, in order. */
  readonly steps: string[] = [];
  /** Number of open views. */
  open = 0;
  failure: Error | null = null;
  readonly #machine: TestMachine;

  constructor(machine: TestMachine) {
    this.#machine = machine;
  }

  async sync(): Promise<number> {
    if (this.failure !== null) throw this.failure;
    this.synced.push(this.#machine.applied);
    return this.#machine.applied;
  }

  createView(): SnapshotView {
    const entries = [...this.#machine.entries];
    this.open += 1;
    return {
      index: this.#machine.applied,
      chunks: async function* () {
        for (const { record } of entries) yield record;
      },
      close: async () => {
        this.open -= 1;
      },
    };
  }

  async receive(base: LogBase, chunks: AsyncIterable<Uint8Array>): Promise<StagedSnapshot> {
    this.steps.push('receive');
    const entries: Entry[] = [];
    for await (const chunk of chunks) entries.push(readEntry(chunk));
    if (entries.at(-1)?.index !== base.index) throw new Error('the snapshot is incomplete');
    let isInstalled = false;
    return {
      install: async () => {
        if (this.failure !== null) throw this.failure;
        this.steps.push('install');
        isInstalled = true;
        this.restoredBase = base;
        this.#machine.entries = entries;
        this.#machine.installs += 1;
      },
      discard: async () => {
        if (!isInstalled) this.steps.push('discard');
      },
    };
  }
}

/** Creates a machine with snapshot support. */
export function machineWithSnapshots(): { readonly machine: TestMachine; readonly snapshots: TestSnapshots } {
  const made: TestSnapshots[] = [];
  const machine = new TestMachine(0, (of) => {
    const snapshots = new TestSnapshots(of);
    made.push(snapshots);
    return snapshots;
  });
  const [snapshots = new TestSnapshots(machine)] = made;
  return { machine, snapshots };
}

/** A snapshot of `length` entries from `a` to `b`. */
export function incomingSnapshot(
  length: number,
  term: number,
  base: Partial<LogBase> = {},
): IncomingSnapshot & { cancels: number } {
  const entries = makeLog(new Array<number>(length).fill(1));
  return {
    from: 'a',
    to: 'b',
    term,
    base: { ...makeBase(length, 1), ...base },
    cancels: 0,
    chunks: (async function* () {
      for (const { record } of entries) yield record;
    })(),
    cancel() {
      this.cancels += 1;
    },
  };
}

/** The code of the `RaftError` that a promise rejects with. */
export async function rejectionCode(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  assert.instance(error, RaftError);
  return error instanceof RaftError ? error.code : '';
}
