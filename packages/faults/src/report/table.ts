/** The results of all scenarios as a text table. */
import { isPassed } from '../rules/check-result.js';
import type { ScenarioResult } from '../run/run-scenario.js';

/** A scenario without a result, and the reason. */
export interface SkippedScenario {
  readonly name: string;
  readonly reason: string;
}

export function formatTable(
  played: readonly ScenarioResult[],
  skipped: readonly SkippedScenario[],
  broken: readonly SkippedScenario[],
): string {
  const head = ['result', 'seconds', 'operations', 'failed', 'unknown', 'gap ms', 'scenario'];
  const rows = played.map(({ name, verdicts, tookMs, availability }) => {
    const failed = verdicts.filter((one) => !isPassed(one)).map(({ check }) => check);
    return [
      failed.length === 0 ? 'ok' : 'FAIL',
      (tookMs / 1000).toFixed(1),
      String(availability.operations),
      String(availability.failed),
      String(availability.unknown),
      availability.longestGapMs.toFixed(0),
      failed.length === 0 ? name : `${name} (${failed.join(', ')})`,
    ];
  });
  const unplayed = [
    ...broken.map(({ name, reason }) => ['FAIL', '', '', '', '', '', `${name}: ${reason}`]),
    ...skipped.map(({ name, reason }) => ['skipped', '', '', '', '', '', `${name}: ${reason}`]),
  ];
  const all = [head, ...rows, ...unplayed];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const last = head.length - 1;
  const lines = all.map((row) =>
    row
      .map((cell, column) => {
        if (column === 0) return cell.padEnd(widths[0] ?? 0);
        return column === last ? cell : cell.padStart(widths[column] ?? 0);
      })
      .join('  '),
  );
  const violated = rows.filter(([word]) => word === 'FAIL').length + broken.length;
  const operations = played.reduce((sum, { availability }) => sum + availability.operations, 0);
  const total = `${rows.length} scenarios run, ${violated} failed, ${skipped.length} skipped, ${operations} operations`;
  return [...lines, total].join('\n');
}
