/** Rules A to E, as what must hold in every state: not whether somebody asks, but what would be answered if somebody did. */
import { valueAt } from './raft-part.js';
import type { Explorer, World } from './world.js';

/** What is broken in a world by rules A to D, null if nothing is. */
export function brokenRule(explorer: Explorer, { raft, catalogs, frontends }: World): string | null {
  const { leaders, history, visible } = raft.value;
  for (const [at, slot] of leaders.entries()) {
    if (slot !== null && slot.state.visible > history.length) {
      return `leader ${at + 1} makes entry ${slot.state.visible} visible, which is not committed`;
    }
  }
  const compare = (stock: string, value: number | undefined): string | null => {
    const expected = valueAt(raft.value, visible, stock);
    if (value === undefined || value === expected) return null;
    return value < expected
      ? `${stock} = ${value}, although clients were told of entry ${expected}`
      : `${stock} = ${value}, which is not visible yet`;
  };
  for (const [at, part] of frontends.entries()) {
    if (part.value.cache.size === 0) continue;
    for (const stock of explorer.scenario.stocks) {
      const wrong = compare(stock, explorer.frontends.cached(part.value, stock));
      if (wrong !== null) return `front-end ${at + 1} would answer ${wrong} from its cache`;
    }
  }
  for (const part of catalogs) {
    const { state } = part.value;
    if (state.visible > visible) return `${state.id} applies entry ${state.visible} before it is visible`;
    for (const stock of explorer.answeredAtOnce(part)) {
      const wrong = compare(stock, valueAt(raft.value, state.visible, stock));
      if (wrong !== null) return `${state.id} would answer ${wrong}`;
    }
  }
  return null;
}

/** Rule E: whether everything that was asked is answered, and every catalog of the set can answer. */
export function isDone(explorer: Explorer, { raft, catalogs, frontends }: World): boolean {
  const leader = raft.value.leaders[raft.value.isElected ? 1 : 0];
  if (leader === null || leader.state.visible < leader.log.length) return false;
  for (const { value } of catalogs) {
    if (leader.state.catalogs.has(value.state.id) && !explorer.catalogs.mayAnswer(value)) return false;
  }
  return frontends.every(({ value }) => value.asked.size === 0);
}
