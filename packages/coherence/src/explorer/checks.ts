/** Rules A to E as invariants of states. They check what a reader would be answered, whether or not one asks. */
import type { StateSpace } from './model.js';
import { valueAt } from './raft-part.js';
import { frontendName } from './steps.js';
import type { State } from './transition.js';

/** Returns which of the rules A to D is broken in a state; null if none is. */
export function brokenRule(model: StateSpace, { raft, catalogs, frontends }: State): string | null {
  const { values, wrong } = model.facts(raft);
  if (wrong !== null) return wrong;
  const { stocks } = model.scenario;
  for (let at = 0; at < frontends.length; at += 1) {
    const part = frontends[at];
    if (part === undefined) continue;
    const cached = model.cachedValues(part);
    for (let stock = 0; stock < stocks.length; stock += 1) {
      const value = cached[stock];
      if (value === undefined || value === values[stock]) continue;
      const what = compare(stocks[stock], value, values[stock]);
      return `${frontendName(at)} would answer from its cache: ${what}`;
    }
  }
  for (const part of catalogs) {
    const { id, visibleIndex } = part.value.state;
    if (visibleIndex > raft.value.visible) return `${id} applies entry ${visibleIndex} before it is visible`;
    const answered = model.answersWithoutWaiting(part);
    for (let stock = 0; stock < stocks.length; stock += 1) {
      if (answered[stock] !== true) continue;
      const value = valueAt(raft.value, visibleIndex, stocks[stock] ?? '');
      if (value !== values[stock])
        return `${id} would answer: ${compare(stocks[stock], value, values[stock])}`;
    }
  }
  return null;
}

function compare(stock = '', value: number, visible = 0): string {
  if (value > visible) return `${stock} = ${value}, which is not visible yet`;
  return `${stock} = ${value}, although entry ${visible} was acknowledged to clients`;
}

/** Rule E: whether every entry is visible, every request is answered and every catalog of the set may answer. */
export function isProgressComplete(model: StateSpace, { raft, catalogs, frontends }: State): boolean {
  const leader = raft.value.leaders[raft.value.isElected ? 1 : 0];
  if (leader === null || leader.state.visible < leader.log.length) return false;
  for (const id of leader.state.catalogs.keys()) {
    const processes = catalogs.filter(({ value }) => value.state.id === id);
    if (processes.length > 0 && !processes.some((part) => model.mayAnswer(part))) return false;
  }
  return frontends.every(({ value }) => value.asked.size === 0 && value.listed === null);
}
