/** The environment of a simulated process: time, randomness, links, and callbacks of the checks. */
import type { CreateDialer, LinkHandler } from '@trireme/service';
import type { Random, Scheduler, ProcessScope } from '@trireme/raft-sim';
import type { ProcessClocks } from '../engine/globals.js';
import type { SystemTrace } from '../engine/system-trace.js';

export type ProcessKind = 'replica' | 'catalog' | 'frontend';
export type CrashKind = 'kill' | 'powerLoss';

/** One instance of a process, from its start to its crash. */
export interface ProcessInstance {
  readonly scope: ProcessScope;
  /** Input that waits for the next turn. */
  inbox: (() => void)[];
  isTurnDue: boolean;
}

/** A process as the links see it. */
export interface LinkedProcess extends ProcessClocks {
  readonly name: string;
  readonly url: string;
  readonly instance: ProcessInstance | null;
  /** Calls `run` in the next turn of the process. */
  runInNextTurn(run: () => void): void;
}

/** The links of all processes. */
export interface Links {
  /** Creates the dialer of one process instance. */
  dialer(host: LinkedProcess, instance: ProcessInstance): CreateDialer;
  listen(instance: ProcessInstance, path: string, handler: LinkHandler): void;
  /** A process has died. Its operating system closes the connections, unless the machine lost power. */
  onHostDied(host: LinkedProcess, kind: CrashKind): void;
  /** A process is paused. The other ends receive nothing as long as `isSilent` is true. */
  onHostPaused(host: LinkedProcess, isSilent: () => boolean): void;
}

export interface SimulationContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: SystemTrace;
  readonly streams: Links;
  /** Ends the run with a violation. The first one counts. */
  violate(check: string, what: string): void;
  /** Counts an event in a process. */
  count(what: string): void;
  /** A unique id of 16 hex digits. */
  newId(): string;
  /** A process handles an event. */
  onEvent(host: LinkedProcess): void;
  /** A turn of a process begins with the input that has arrived. */
  startTurn(host: LinkedProcess, instance: ProcessInstance, runs: (() => void)[]): void;
  /** Calls `run` at the end of the current turn. */
  immediate(run: () => void): void;
  /** Runs `ask` as code of a process. */
  runAs<Result>(host: LinkedProcess, ask: () => Result): Result;
}
