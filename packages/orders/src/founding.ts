/** Asks the others before a group is founded; see rules/founding.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpTransport } from '@trireme/raft';
import { UsageError, type Log } from '@trireme/service';
import { decideFounding, parseFoundingAnswer, type FoundingAnswer, type Founders } from './rules/founding.js';

/** Path of the question on a replica's peer port. */
export const FOUNDING_PATH = '/raft/founding';

/** Between two rounds of questions, in milliseconds. */
const POLL_MS = 100;

interface FoundingOptions {
  readonly name: string;
  readonly instance: string;
  /** Every replica that the flags name, this one included. */
  readonly founders: readonly string[];
  /** The command that lets this replica into a group that exists. */
  readonly rejoin: string;
  /** Listening, so that the others can ask as well. */
  readonly transport: Pick<HttpTransport, 'ask'>;
  readonly log: Log;
  /** Whether this replica was started without `--bootstrap` before, and may go on waiting to be let in. */
  readonly isIncarnation: boolean;
  /** Ends the wait. */
  readonly stopping: AbortSignal;
}

/**
 * Resolves once the group may be founded; until then it asks on and says in the log whom it waits for.
 * @returns the founders; null if there is a group already, and this replica waits to be let into one
 * @throws UsageError if there is a group already, or flags do not fit together; the signal's reason once it is aborted.
 */
export async function awaitFounding(options: FoundingOptions): Promise<Founders | null> {
  const { name, founders, log, isIncarnation, stopping } = options;
  const peers = founders.filter((founder) => founder !== name);
  let told = '';
  for (;;) {
    const answers = new Map(
      await Promise.all(peers.map(async (peer) => [peer, await ask(options, peer)] as const)),
    );
    const step = decideFounding(options, answers);
    switch (step.step) {
      case 'found':
        return step.founders;
      case 'exists':
        if (isIncarnation) return null;
        throw new UsageError(step.reason);
      case 'refuse':
        throw new UsageError(step.reason);
      case 'wait': {
        const missing = Object.fromEntries(step.missing);
        const text = JSON.stringify(missing);
        if (text !== told)
          log.warn(
            { missing },
            'waits until every replica has said that it is empty before it founds the group',
          );
        told = text;
      }
    }
    await delay(POLL_MS, undefined, { signal: stopping }).catch(() => stopping.throwIfAborted());
  }
}

/** What a peer says, or why it says nothing. */
async function ask({ transport }: FoundingOptions, peer: string): Promise<FoundingAnswer | string> {
  try {
    return parseFoundingAnswer(await transport.ask(peer, FOUNDING_PATH));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
