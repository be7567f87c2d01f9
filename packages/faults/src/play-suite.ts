/** Makes tests of scenarios: each is played, and every promise must have been kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { holds } from './rules/verdict.js';
import { whyNot } from './run/capabilities.js';
import { play } from './run/play.js';
import type { Scenario } from './run/scenario.js';

/** Plays it and asserts that every promise was kept; history and logs stay only if one was not. */
export async function assertHolds(scenario: Scenario): Promise<void> {
  const results = mkdtempSync(join(tmpdir(), 'trireme-faults-'));
  const { verdicts, folder } = await play(scenario, { seed: 1, results });
  const broken = verdicts.filter((verdict) => !holds(verdict));
  assert.equal(broken, [], `history and logs: ${folder}`);
  rmSync(results, { recursive: true });
}

/** Plays those of the scenarios that every change is tried with; what this machine cannot do is skipped by name. */
export function playEveryday(name: string, scenarios: readonly Scenario[]): void {
  const test = suite(name);
  for (const scenario of scenarios.filter(({ everyday }) => everyday === true)) {
    const reason = whyNot(scenario.needs ?? []);
    if (reason !== null) {
      console.log(`SKIPPED ${scenario.name}: ${reason}`);
      test.skip(scenario.name, () => undefined);
      continue;
    }
    test(scenario.name, async () => assertHolds(scenario));
  }
  test.run();
}
