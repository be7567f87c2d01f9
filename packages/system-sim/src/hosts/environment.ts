/** What a simulated process is given: time, chance, links, and somebody who looks at what it does. */
import type { MakeDialer, LinkHandler } from '@trireme/service';
import type { Random, Scheduler, Scope } from '@trireme/raft/sim';
import type { Platform } from '../engine/globals.js';
import type { SystemTrace } from '../engine/system-trace.js';

export type HostKind = 'replica' | 'catalog' | 'frontend';
export type CrashKind = 'kill' | 'powerLoss';

/** One life of a process. */
export interface Life {
  readonly scope: Scope;
  /** What has come in and waits for the next turn. */
  inbox: (() => void)[];
  isTurnDue: boolean;
}

/** A process as links and their faults see it. */
export interface Endpoint extends Platform {
  readonly name: string;
  readonly url: string;
  readonly life: Life | null;
  /** Has `run` happen in the process, in its next turn. */
  deliver(run: () => void): void;
}

/** The links of all processes. */
export interface Links {
  /** What opens links of this life of a process. */
  dialer(host: Endpoint, life: Life): MakeDialer;
  listen(life: Life, path: string, handler: LinkHandler): void;
  /** The process is gone: the system closes its sockets, unless it is gone as well. */
  hostDied(host: Endpoint, kind: CrashKind): void;
  /** The process is halted: the other ends hear nothing for as long as `isSilent` holds. */
  hostSilent(host: Endpoint, isSilent: () => boolean): void;
}

export interface Environment {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: SystemTrace;
  readonly streams: Links;
  /** Ends the run: the first violation counts. */
  violate(check: string, what: string): void;
  /** Counts what happens in processes. */
  count(what: string): void;
  /** 16 hex digits that no call before has given. */
  newId(): string;
  /** Something happens in a process. */
  entered(host: Endpoint): void;
  /** A turn of a process begins with what came in. */
  turn(host: Endpoint, life: Life, runs: (() => void)[]): void;
  /** Has `run` happen at the end of the turn that goes on. */
  immediate(run: () => void): void;
  /** What code of a process says when it is asked from outside. */
  within<Result>(host: Endpoint, ask: () => Result): Result;
}
