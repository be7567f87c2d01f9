/** The client interface of one instance of a process: proposes, waits until the entry is applied, and reads. */
import {
  RaftError,
  type Entry,
  type LogIndex,
  type NodeId,
  type Term,
  type MembershipChange,
  type RaftNode,
} from '@trireme/raft';
import type { Scheduler } from '../engine/scheduler.js';
import { encodeCommand, type Command, type CommandResult } from './map-state.js';
import type { SimMachine } from './machine.js';

/**
 * Response to a client. `refused`: the operation had no effect. `lost`: it may still have one. `superseded`: it
 * had none, because a later command of the same client was applied before it.
 */
export type ClientResponse =
  | { readonly type: 'done'; readonly value: number; readonly by: ServedBy }
  | { readonly type: 'refused'; readonly leader: NodeId | null }
  | { readonly type: 'lost' }
  | { readonly type: 'superseded' };

/** Kind of member that answered. Reads at followers and under leases take different code paths. */
export type ServedBy = 'leader' | 'follower' | 'leaseholder';

type Reply = (answer: ClientResponse) => void;

interface Waiting {
  readonly term: Term;
  readonly reply: Reply;
}

interface PortContext {
  readonly scheduler: Scheduler;
  readFloor(): number;
  readGranted(index: LogIndex, floor: number): void;
}

export class ClientPort {
  #open: { readonly node: RaftNode; readonly machine: SimMachine; readonly context: PortContext } | null =
    null;
  readonly #waiting = new Map<LogIndex, Waiting[]>();
  /** Number of promises that the driver may settle without an event. */
  #pending = 0;

  open(node: RaftNode, machine: SimMachine, context: PortContext): void {
    this.#open = { node, machine, context };
  }

  /** The process has ended. Waiting clients get no response. */
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

  /** Reads a key. @param lease whether a leader may answer by its lease */
  read(key: string, lease: boolean, reply: Reply): void {
    if (this.#open === null) return;
    const { node, machine, context } = this.#open;
    const floor = context.readFloor();
    const isLeader = node.status().role === 'leader';
    const by = isLeader ? (lease ? 'leaseholder' : 'leader') : 'follower';
    const granted = (index: LogIndex): void => {
      // The value is as of the applied index, which must not lag behind the confirmed index.
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
    context.scheduler.maySettlePromises = true;
  }

  /** Requests a membership change. Calls `onOutcome` with `done` or with the code of the refusal. */
  changeMembership(change: MembershipChange, force: boolean, onOutcome: (outcome: string) => void): void {
    if (this.#open === null) return;
    const { node, context } = this.#open;
    this.#pending += 1;
    void node.changeMembership(change, { force }).then(
      () => {
        this.#pending -= 1;
        onOutcome('done');
      },
      (error: unknown) => {
        this.#pending -= 1;
        if (!(error instanceof RaftError)) throw error;
        onOutcome(error.code);
      },
    );
    context.scheduler.maySettlePromises = true;
  }

  /** Whether the driver may settle a promise without an event. */
  get mayWake(): boolean {
    return this.#pending > 0;
  }

  onApplied(entry: Entry, outcome: CommandResult): void {
    const waiting = this.#waiting.get(entry.index);
    if (waiting === undefined) return;
    this.#waiting.delete(entry.index);
    for (const { term, reply } of waiting) {
      // An entry of another leader was committed at this index. The client may retry the command.
      if (term !== entry.term) reply({ type: 'lost' });
      else if (outcome.type === 'superseded') reply({ type: 'superseded' });
      else reply({ type: 'done', value: outcome.result, by: 'leader' });
    }
  }
}

function refusal(node: RaftNode, error: unknown): ClientResponse {
  if (!(error instanceof RaftError)) throw error;
  return { type: 'refused', leader: node.status().leader };
}
