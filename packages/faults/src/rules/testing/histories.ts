/** Builders for hand-made histories, with times in milliseconds. */
import type { CreateOperation, GetOperation, Operation, TradeStatus } from '../history.js';

const ns = (ms: number): number => ms * 1e6;

/** Call and return of an operation in milliseconds; null if its outcome is unknown. */
type Span = readonly [call: number, end: number | null];

export function init(stock: string, quantity: number): Operation {
  return { client: 0, op: 'init', input: { stock, quantity }, output: {}, call_ns: 0, return_ns: 0 };
}

export function read(
  client: number,
  stock: string,
  [call, end]: Span,
  quantity: number | 'failed',
): Operation {
  const output = quantity === 'failed' ? ({ status: 'failed' } as const) : { quantity };
  return {
    ...timed(client, [call, end]),
    op: 'read',
    input: { stock },
    output: end === null ? null : output,
  };
}

export function trade(
  client: number,
  stock: string,
  [call, end]: Span,
  delta: number,
  status: TradeStatus = 'ok',
): Operation {
  const output = end === null ? null : { status };
  return { ...timed(client, [call, end]), op: 'trade', input: { stock, delta }, output };
}

export function create(
  client: number,
  key: string,
  [call, end]: Span,
  outcome: number | 'insufficient' | 'failed',
  body: readonly [side: 'buy' | 'sell', quantity: number, stock: string] = ['buy', 1, 'AAPL'],
): CreateOperation {
  const [side, quantity, stock] = body;
  const output = typeof outcome === 'number' ? { order: outcome } : { status: outcome };
  const input = { key, stock, side, quantity };
  return { ...timed(client, [call, end]), op: 'create', input, output: end === null ? null : output };
}

export function get(
  client: number,
  order: number,
  [call, end]: Span,
  outcome: readonly [side: 'buy' | 'sell', quantity: number, stock: string] | 404 | 'failed' = [
    'buy',
    1,
    'AAPL',
  ],
): GetOperation {
  const output = typeof outcome === 'object' ? contents(outcome) : { status: outcome };
  return { ...timed(client, [call, end]), op: 'get', input: { order }, output: end === null ? null : output };
}

function contents([side, quantity, stock]: readonly [
  side: 'buy' | 'sell',
  quantity: number,
  stock: string,
]): {
  side: 'buy' | 'sell';
  quantity: number;
  stock: string;
} {
  return { stock, side, quantity };
}

function timed(
  client: number,
  [call, end]: Span,
): { client: number; call_ns: number; return_ns: number | null } {
  return { client, call_ns: ns(call), return_ns: end === null ? null : ns(end) };
}
