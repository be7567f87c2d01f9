/** The secret and the operator token are exchanged while clients place orders and links are reset. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATOR_TOKEN_FILE, readSecret } from '@trireme/cluster';
import { ScenarioError, type ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

interface Credentials {
  readonly secret: string;
  readonly token: string;
}

function readCredentials({ dataDir }: ScenarioRun): Credentials {
  const token = readFileSync(join(dataDir, OPERATOR_TOKEN_FILE), 'utf8').trim();
  return { secret: readSecret(dataDir), token };
}

/** Whether a process accepts the credential that its operators present: then its status names those in use. */
async function accepts(run: ScenarioRun, name: string, { secret, token }: Credentials): Promise<boolean> {
  const entry = run.cluster.describe().processes.find(({ id }) => id === name);
  const headers = { 'x-trireme-secret': secret, authorization: `Bearer ${token}` };
  const response = await fetch(`${entry?.url ?? ''}/status`, { headers });
  return 'credentials' in ((await response.json()) as object);
}

/** Resets random connections until the exchange is done, so that processes shake hands during all of its steps. */
async function resetLinksUntil(run: ScenarioRun, exchanged: Promise<void>): Promise<void> {
  const stop = new AbortController();
  const done = exchanged.finally(() => stop.abort());
  const names = run.names();
  run.note('reset random connections until both are exchanged');
  while (!stop.signal.aborted) {
    const one = names[run.random.below(names.length)] ?? '';
    const other = names[run.random.below(names.length)] ?? '';
    run.network.reset(one, other);
    await run.sleep(200);
  }
  await done;
}

export const CREDENTIALS: readonly Scenario[] = [
  {
    name: 'secret and operator token are exchanged while links are reset, and the old ones are refused afterwards',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      const old = readCredentials(run);
      await resetLinksUntil(
        run,
        run.rotate('secret').then(async () => run.rotate('operator-token')),
      );
      await run.waitForOrders();
      for (const name of run.names()) {
        if (await accepts(run, name, old))
          throw new ScenarioError(`${name} still accepts the old credentials`);
        if (!(await accepts(run, name, readCredentials(run))))
          throw new ScenarioError(`${name} refuses the new credentials`);
      }
    },
  },
];
