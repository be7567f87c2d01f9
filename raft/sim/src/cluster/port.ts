/** Where clients reach one life of a process: it proposes, waits for the entry to be applied, and reads. */
import { RaftError } from '#raft/core/errors.js';
import type { Entry, LogIndex, NodeId, Term } from '#raft/core/types.js';
import type { MembershipChange } from '#raft/core/membership-change.js';
import type { RaftNode } from '#raft/node.js';
import type { Scheduler } from '../engine/scheduler.js';
import { encodeCommand, type Command, type Outcome } from './book.js';
import type { SimMachine } from './machine.js';

/**
 * `refused` surely had no effect; `lost` may yet have one; `superseded` had none, as a later command of the same client
 * went before it.
 */
export type Answer =
  | { readonly type: 'done'; readonly value: number; readonly by: Server }
  | { readonly type: 'refused'; readonly leader: NodeId | null }
  | { readonly type: 'lost' }
  | { readonly type: 'superseded' };

/** Whom an answer came from: reads at followers and under leases go ways of their own. */
export type Server = 'leader' | 'follower' | 'leaseholder';

type Reply = (answer: Answer) => void;

interface Waiting {
  readonly term: Term;
  readonly reply: Reply;
}

interface PortContext {
  readonly scheduler: Scheduler;
  readFloor(): number;
  readGranted(index: LogIndex, floor: number): void;
}

export class Port {
  #open: { readonly node: RaftNode; readonly machine: SimMachine; readonly context: PortContext } | null =
    null;
  readonly #waiting = new Map<LogIndex, Waiting[]>();
  /** Promises of the driver that it settles whenever it likes. */
  #pending = 0;

  open(node: RaftNode, machine: SimMachine, context: PortContext): void {
    this.#open = { node, machine, context };
  }

  /** The process is gone, and with it every answer that it owed. */
  close(): void {
    this.#open = null;
    this.#waiting.clear();
  }

  change(command: Command, reply: Reply): void {
    if (this.#open === null) return;
    const { node } = this.#open;
    try {
      const { index, term } = node.propose(encodeCommand(command));
      const waiting = this.#waiting.get(index) ?? [];
      waiting.push({ term, reply });
      this.#waiting.set(index, waiting);
    } catch (error) {
      reply(refusal(node, error));
    }
  }

  /** @param lease whether a leader may answer under its lease. */
  read(key: string, lease: boolean, reply: Reply): void {
    if (this.#open === null) return;
    const { node, machine, context } = this.#open;
    const floor = context.readFloor();
    const isLeader = node.status().role === 'leader';
    const by = isLeader ? (lease ? 'leaseholder' : 'leader') : 'follower';
    const granted = (index: LogIndex): void => {
      // What it promised and what it gives: the machine may lag behind the index that was confirmed.
      context.readGranted(Math.min(index, machine.applied), floor);
      if (this.#open !== null) reply({ type: 'done', value: machine.get(key), by });
    };
    this.#pending += 1;
    void node.read({ lease }).then(
      (index) => {
        this.#pending -= 1;
        granted(index);
      },
      (error: unknown) => {
        this.#pending -= 1;
        reply(refusal(node, error));
      },
    );
    context.scheduler.mayHaveWoken = true;
  }

  /** Changes the group, by force or not; `told` hears what came of it: the code of a refusal, or `done`. */
  reconfigure(change: MembershipChange, force: boolean, told: (outcome: string) => void): void {
    if (this.#open === null) return;
    const { node, context } = this.#open;
    this.#pending += 1;
    void node.changeMembership(change, { force }).then(
      () => {
        this.#pending -= 1;
        told('done');
      },
      (error: unknown) => {
        this.#pending -= 1;
        if (!(error instanceof RaftError)) throw error;
        told(error.code);
      },
    );
    context.scheduler.mayHaveWoken = true;
  }

  /** Whether the driver may settle a promise of its own accord. */
  get mayWake(): boolean {
    return this.#pending > 0;
  }

  applied(entry: Entry, outcome: Outcome): void {
    const waiting = this.#waiting.get(entry.index);
    if (waiting === undefined) return;
    this.#waiting.delete(entry.index);
    for (const { term, reply } of waiting) {
      // Another leader's entry has taken the place: this proposal is surely not committed there, but may be repeated.
      if (term !== entry.term) reply({ type: 'lost' });
      else if (outcome.type === 'superseded') reply({ type: 'superseded' });
      else reply({ type: 'done', value: outcome.result, by: 'leader' });
    }
  }
}

function refusal(node: RaftNode, error: unknown): Answer {
  if (!(error instanceof RaftError)) throw error;
  return { type: 'refused', leader: node.status().leader };
}
