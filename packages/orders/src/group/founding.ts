/** Asks the other founders before a group is founded; see rules/group/founding.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpTransport } from '@trireme/raft/http';
import { UsageError, type Log } from '@trireme/service';
import {
  decideFounding,
  parseFoundingAnswer,
  type FoundingAnswer,
  type Founders,
} from '../rules/group/founding.js';

/** Path of the request on a replica's peer port. */
export const FOUNDING_PATH = '/raft/founding';

/** Time between two rounds of requests, in milliseconds. */
const POLL_MS = 100;

interface FoundingOptions {
  readonly name: string;
  readonly instance: string;
  /** Names of all replicas in the flags, including this one. */
  readonly founders: readonly string[];
  /** The command that adds this replica to an existing group. */
  readonly rejoin: string;
  /** Must be listening, so that the others can ask as well. */
  readonly transport: Pick<HttpTransport, 'query'>;
  readonly log: Log;
  /**
   * Whether this replica was started without `--bootstrap` before, and may keep waiting to be added to a
   * group.
   */
  readonly isIncarnation: boolean;
  /** Ends the wait. */
  readonly stopping: AbortSignal;
}

/**
 * Resolves once the group may be founded. Until then it keeps asking, and logs which replicas it waits for.
 * @returns the founders; null if a group exists already and this replica waits to be added to it
 * @throws UsageError if a group exists already or the flags contradict each other; the signal's reason once
 *   it is aborted.
 */
export async function waitForFounders(options: FoundingOptions): Promise<Founders | null> {
  const { name, founders, log, isIncarnation, stopping } = options;
  const peers = founders.filter((founder) => founder !== name);
  let lastLogged = '';
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
        if (text !== lastLogged)
          log.warn(
            { missing },
            'waiting for all replicas to confirm that they are empty before founding the group',
          );
        lastLogged = text;
      }
    }
    await delay(POLL_MS, undefined, { signal: stopping }).catch(() => stopping.throwIfAborted());
  }
}

/** The answer of a peer, or why there is none. */
async function ask({ transport }: FoundingOptions, peer: string): Promise<FoundingAnswer | string> {
  try {
    return parseFoundingAnswer(await transport.query(peer, FOUNDING_PATH));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
