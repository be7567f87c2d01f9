/** What the catalog may decide of a batch. Checked before it is logged, as the log keeps it for good, and when it is applied. */
import { assertRule, type Command, type Outcome } from '@trireme/domain';
import type { PendingBatch } from './state.js';

/** @throws InvariantError unless there is one outcome for each command, of a kind that the command can have. */
export function checkOutcomes(batch: PendingBatch, outcomes: readonly Outcome[]): void {
  const { index, commands } = batch;
  assertRule(
    outcomes.length === commands.length,
    `${outcomes.length} outcomes for the ${commands.length} commands at ${index}`,
  );
  const skip = new Set(batch.skip);
  commands.forEach((command, position) => {
    const kind = outcomes[position]?.kind ?? 'none';
    assertRule(
      skip.has(position) ? kind === 'none' : canBecome(command, kind),
      `the ${command.kind} at ${index}, position ${position}, cannot become ${kind}`,
    );
  });
}

function canBecome(command: Command, kind: Outcome['kind']): boolean {
  if (kind === 'rejected') return true;
  const isOrder = command.kind === 'buy' || command.kind === 'sell';
  return kind === (isOrder ? 'filled' : 'done');
}
