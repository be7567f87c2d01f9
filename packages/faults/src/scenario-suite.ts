/** Runs scenarios as tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPassed } from './rules/check-result.js';
import { missingCapability } from './run/capabilities.js';
import { runScenario } from './run/run-scenario.js';
import type { Scenario } from './run/scenario.js';

/** Runs a scenario and asserts that every check passes. Keeps the history and logs only if one fails. */
export async function assertScenarioPasses(scenario: Scenario): Promise<void> {
  const results = mkdtempSync(join(tmpdir(), 'trireme-faults-'));
  const { verdicts, folder } = await runScenario(scenario, { seed: 1, results });
  const broken = verdicts.filter((verdict) => !isPassed(verdict));
  assert.equal(broken, [], `history and logs: ${folder}`);
  rmSync(results, { recursive: true });
}

/**
 * Defines a test for each everyday scenario, and skips those that need a capability that this machine lacks.
 */
export function runEverydaySuite(name: string, scenarios: readonly Scenario[]): void {
  const test = suite(name);
  for (const scenario of scenarios.filter(({ everyday }) => everyday === true)) {
    const reason = missingCapability(scenario.needs ?? []);
    if (reason !== null) {
      console.log(`SKIPPED ${scenario.name}: ${reason}`);
      test.skip(scenario.name, () => undefined);
      continue;
    }
    test(scenario.name, async () => assertScenarioPasses(scenario));
  }
  test.run();
}
