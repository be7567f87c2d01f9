/** Exchanges the secret or the operator token of a cluster that `npm start` runs. May be interrupted and run again. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  OPERATOR_TOKEN_FILE,
  SECRET_FILE,
  readClusterFile,
  type InternalClient,
  type ProcessEntry,
} from '@trireme/cluster';
import { parseSecrets, writeDurably, type SecretLines } from '@trireme/service';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { exchangeSteps, hasLoaded, parseSecretReport, type ExchangeStep } from './exchange.js';

/** What is exchanged: the name of the field in the status of a process. */
export type Credential = 'secret' | 'operatorToken';

export interface RotationOptions {
  readonly dataDir: string;
  /** With the secret of the folder, read at each request. */
  readonly calls: InternalClient;
  readonly onProgress: (line: string) => void;
  /** Time limit of all steps together, in milliseconds. */
  readonly timeoutMs: number;
}

const FILES: Readonly<Record<Credential, string>> = {
  secret: SECRET_FILE,
  operatorToken: OPERATOR_TOKEN_FILE,
};
const POLL_MS = 200;
const READ_MS_MAX = 2_000;

/**
 * Exchanges a credential for a random one.
 * @throws CommandError `incomplete` if a running process has not read a step in time; run the command again.
 */
export async function rotate(credential: Credential, options: RotationOptions): Promise<void> {
  const path = join(options.dataDir, FILES[credential]);
  const present = parseSecrets(readFileSync(path, 'utf8'), path);
  const until = performance.now() + options.timeoutMs;
  for (const step of exchangeSteps(present, randomBytes(32).toString('hex'))) {
    options.onProgress(step.what);
    await writeDurably(path, `${step.lines.join('\n')}\n`);
    await awaitLoaded(credential, step, { ...options, until });
  }
  const down = users(credential, options.dataDir).filter(({ pid }) => pid === null);
  if (down.length > 0)
    options.onProgress(`down, read the file when they start: ${down.map(({ id }) => id).join(', ')}`);
}

async function awaitLoaded(
  credential: Credential,
  { lines, what }: ExchangeStep,
  options: RotationOptions & { readonly until: number },
): Promise<void> {
  for (;;) {
    const running = users(credential, options.dataDir).filter(({ pid }) => pid !== null);
    const loaded = await Promise.all(
      running.map(async (entry) => hasLoaded(await reportOf(credential, entry, options), lines)),
    );
    const missing = running.filter((_, i) => loaded[i] === false).map(({ id }) => id);
    if (missing.length === 0) return;
    if (performance.now() > options.until)
      throw new CommandError(
        COMMAND_EXIT.incomplete,
        `not done: ${missing.join(', ')} did not read the changed file in time (${what}). Both secrets work ` +
          'meanwhile. Check the log of these processes, then run the same command again',
      );
    await delay(POLL_MS);
  }
}

/** The processes that use a credential. */
function users(credential: Credential, dataDir: string): readonly ProcessEntry[] {
  const { processes } = readClusterFile(dataDir) ?? { processes: [] };
  return processes.filter(({ role }) => credential === 'secret' || role === 'frontend');
}

async function reportOf(
  credential: Credential,
  { role, url }: ProcessEntry,
  { calls, dataDir }: RotationOptions,
): Promise<ReturnType<typeof parseSecretReport>> {
  const status =
    role === 'frontend'
      ? await frontendStatus(url, readToken(dataDir))
      : (await calls.requestJson(`${url}/status`, READ_MS_MAX))?.body;
  return parseSecretReport(status, credential);
}

function readToken(dataDir: string): SecretLines[0] {
  const path = join(dataDir, OPERATOR_TOKEN_FILE);
  return parseSecrets(readFileSync(path, 'utf8'), path)[0];
}

/** The status that a front-end shows to an operator; null if it does not answer. */
async function frontendStatus(url: string, token: string): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(READ_MS_MAX);
    const response = await fetch(`${url}/status`, { headers: { authorization: `Bearer ${token}` }, signal });
    return await response.json();
  } catch {
    return null;
  }
}
