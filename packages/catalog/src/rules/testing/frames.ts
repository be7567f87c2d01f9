/** Frames and stocks as tests write them. */
import {
  encodeBatch,
  type Command,
  type LeaderToCatalog,
  type RequestTrace,
  type Stock,
} from '@trireme/domain';

export function stock(name: string, quantity: number, price = 5500): Stock {
  return { name, price, quantity, version: 0 };
}

export function buy(name: string, quantity = 1): Command {
  return { kind: 'buy', key: 'k', name, quantity };
}

export function sell(name: string, quantity = 1): Command {
  return { kind: 'sell', key: 'k', name, quantity };
}

export function list(name: string, price: number): Command {
  return { kind: 'list', key: 'k', name, price };
}

export function restock(name: string, quantity: number): Command {
  return { kind: 'restock', key: 'k', name, quantity };
}

/** A `decide` frame; what is left out is 0 or empty. */
export function decideFrame(
  index: number,
  prev: number,
  commands: readonly Command[],
  more: {
    readonly settled?: number;
    readonly skip?: readonly number[];
    readonly traces?: readonly RequestTrace[];
  } = {},
): LeaderToCatalog {
  const batch = encodeBatch({ age: 1, time: 1, commands, settlements: [] });
  const frame: LeaderToCatalog = {
    ...{ t: 'decide', index, prev, settled: more.settled ?? 0, skip: more.skip ?? [], batch },
  };
  return more.traces === undefined ? frame : { ...frame, traces: more.traces };
}
