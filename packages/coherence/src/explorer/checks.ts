/** Rules A to E, as what must hold in every state: not whether somebody asks, but what would be answered if somebody did. */
import type { Model } from './model.js';
import { valueAt } from './raft-part.js';
import { frontendName } from './steps.js';
import type { State } from './transition.js';

/** What is broken in a state by rules A to D, null if nothing is. */
export function brokenRule(model: Model, { raft, catalogs, frontends }: State): string | null {
  const { values, wrong } = model.facts(raft);
  if (wrong !== null) return wrong;
  const { stocks } = model.scenario;
  for (let at = 0; at < frontends.length; at += 1) {
    const part = frontends[at];
    if (part === undefined) continue;
    const cached = model.cached(part);
    for (let stock = 0; stock < stocks.length; stock += 1) {
      const value = cached[stock];
      if (value === undefined || value === values[stock]) continue;
      const what = compare(stocks[stock], value, values[stock]);
      return `${frontendName(at)} would answer from its cache ${what}`;
    }
  }
  for (const part of catalogs) {
    const { id, visible } = part.value.state;
    if (visible > raft.value.visible) return `${id} applies entry ${visible} before it is visible`;
    const answered = model.answeredAtOnce(part);
    for (let stock = 0; stock < stocks.length; stock += 1) {
      if (answered[stock] !== true) continue;
      const value = valueAt(raft.value, visible, stocks[stock] ?? '');
      if (value !== values[stock])
        return `${id} would answer ${compare(stocks[stock], value, values[stock])}`;
    }
  }
  return null;
}

function compare(stock = '', value: number, visible = 0): string {
  if (value > visible) return `${stock} = ${value}, which is not visible yet`;
  return `${stock} = ${value}, although clients were told of entry ${visible}`;
}

/** Rule E: whether everything that was asked is answered, and every catalog of the set can answer. */
export function isDone(model: Model, { raft, catalogs, frontends }: State): boolean {
  const leader = raft.value.leaders[raft.value.isElected ? 1 : 0];
  if (leader === null || leader.state.visible < leader.log.length) return false;
  for (const id of leader.state.catalogs.keys()) {
    const processes = catalogs.filter(({ value }) => value.state.id === id);
    if (processes.length > 0 && !processes.some((part) => model.mayAnswer(part))) return false;
  }
  return frontends.every(({ value }) => value.asked.size === 0 && value.listed === null);
}
