/**
 * A history of all requests of clients and their outcomes, one JSON object per line. `output` and `return_ns`
 * are null if the outcome is unknown (a 504, a broken connection, a client timeout). `failed` means certainly
 * no effect (a 503).
 */
import { FormatError, expectInteger, expectObject, expectText, type OrderType } from '@trireme/domain';

/** Outcome of an order, as far as it is known without its number. */
export type TradeStatus = 'ok' | 'insufficient' | 'failed';

interface TimedOperation<Op extends string, Input, Output> {
  /** Operations of one client never overlap. */
  readonly client: number;
  readonly op: Op;
  readonly input: Input;
  readonly output: Output | null;
  /** Nanoseconds since the start of the run, on a monotonic clock. */
  readonly call_ns: number;
  /** Null if the outcome is unknown. */
  readonly return_ns: number | null;
}

/** The initial quantity of a stock. */
export type InitOperation = TimedOperation<
  'init',
  { readonly stock: string; readonly quantity: number },
  object
>;

/** A look-up of a stock. */
export type ReadOperation = TimedOperation<'read', { readonly stock: string }, ReadOutput>;
type ReadOutput = { readonly quantity: number } | { readonly status: 'failed' };

/** An order without a key from the client. `delta` is positive for a sell, negative for a buy. */
export type TradeOperation = TimedOperation<
  'trade',
  { readonly stock: string; readonly delta: number },
  { readonly status: TradeStatus }
>;

/** An order with an idempotency key. Several clients may send the same key, and repeat it. */
export type CreateOperation = TimedOperation<'create', CreateInput, CreateOutput>;
export interface CreateInput {
  readonly key: string;
  readonly stock: string;
  readonly side: OrderType;
  readonly quantity: number;
}
type CreateOutput = { readonly order: number } | { readonly status: Exclude<TradeStatus, 'ok'> };

/** An order read back by its number. */
export type GetOperation = TimedOperation<'get', { readonly order: number }, GetOutput>;
type GetOutput = OrderContents | { readonly status: 404 | 'failed' };

/** The contents of an order. */
export interface OrderContents {
  readonly stock: string;
  readonly side: OrderType;
  readonly quantity: number;
}

export type Operation = InitOperation | ReadOperation | TradeOperation | CreateOperation | GetOperation;

/** Encodes one operation as a line, without a line break. */
export function encodeOperation(operation: Operation): string {
  return JSON.stringify(operation);
}

/** Parses a history. @throws FormatError that names the invalid line. */
export function decodeHistory(text: string): Operation[] {
  return text
    .split('\n')
    .map((line, i) => [line, i + 1] as const)
    .filter(([line]) => line !== '')
    .map(([line, number]) => {
      try {
        return decodeOperation(JSON.parse(line));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new FormatError(`line ${number}: ${why}`);
      }
    });
}

function decodeOperation(value: unknown): Operation {
  const line = expectObject(value, 'operation');
  const input = expectObject(line['input'], 'input');
  const output = line['output'] === null ? null : expectObject(line['output'], 'output');
  const times = {
    client: expectInteger(line['client'], 'client'),
    call_ns: expectInteger(line['call_ns'], 'call_ns'),
    return_ns: line['return_ns'] === null ? null : expectInteger(line['return_ns'], 'return_ns'),
  };
  if ((output === null) !== (times.return_ns === null)) {
    throw new FormatError('output and return_ns must both be null, or neither');
  }
  if (times.return_ns !== null && times.return_ns < times.call_ns) {
    throw new FormatError('return_ns is before call_ns');
  }
  const stock = (): string => expectText(input['stock'], 'stock');
  const { op } = line;
  switch (op) {
    case 'init':
      if (output === null) throw new FormatError('init must have an output');
      return { ...times, op, input: { stock: stock(), quantity: quantityOf(input) }, output };
    case 'read':
      return { ...times, op, input: { stock: stock() }, output: output && readOutput(output) };
    case 'trade': {
      const delta = expectInteger(input['delta'], 'delta', -Number.MAX_SAFE_INTEGER);
      return { ...times, op, input: { stock: stock(), delta }, output: output && tradeOutput(output) };
    }
    case 'create':
      return {
        ...times,
        op,
        input: { key: expectText(input['key'], 'key'), ...contents(input) },
        output: output && createOutput(output),
      };
    case 'get': {
      const order = expectInteger(input['order'], 'order', 1);
      return { ...times, op, input: { order }, output: output && getOutput(output) };
    }
    default:
      throw new FormatError(`unknown operation ${JSON.stringify(op)}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function quantityOf(fields: Fields): number {
  return expectInteger(fields['quantity'], 'quantity');
}

function contents(fields: Fields): OrderContents {
  const { side } = fields;
  if (side !== 'buy' && side !== 'sell') throw new FormatError('side must be buy or sell');
  return { stock: expectText(fields['stock'], 'stock'), side, quantity: quantityOf(fields) };
}

function readOutput(fields: Fields): ReadOutput {
  return fields['status'] === 'failed' ? { status: 'failed' } : { quantity: quantityOf(fields) };
}

function tradeOutput({ status }: Fields): { status: TradeStatus } {
  if (status === 'ok' || status === 'insufficient' || status === 'failed') return { status };
  throw new FormatError(`unknown trade status ${JSON.stringify(status)}`);
}

function createOutput(fields: Fields): CreateOutput {
  if ('order' in fields) return { order: expectInteger(fields['order'], 'order', 1) };
  const { status } = tradeOutput(fields);
  if (status === 'ok') throw new FormatError('a created order must have a number');
  return { status };
}

function getOutput(fields: Fields): GetOutput {
  const { status } = fields;
  if (status === 404 || status === 'failed') return { status };
  return contents(fields);
}

/** The change of the stock's quantity by an order. */
export function deltaOf({ side, quantity }: Pick<OrderContents, 'side' | 'quantity'>): number {
  return side === 'sell' ? quantity : -quantity;
}
