/**
 * What clients asked and what they were told, one JSON object a line. `output` and `return_ns` are null where the
 * outcome is not known (a 504, a broken connection, a client that gave up); `failed` means surely no effect (a 503).
 */
import { FormatError, asInteger, asObject, asText, type OrderType } from '@trireme/domain';

/** How a request for an order without a number in its answer ended. */
export type TradeStatus = 'ok' | 'insufficient' | 'failed';

interface Timed<Op extends string, Input, Output> {
  /** One client never overlaps itself. */
  readonly client: number;
  readonly op: Op;
  readonly input: Input;
  readonly output: Output | null;
  /** Nanoseconds of a monotonic clock, from the start of the run. */
  readonly call_ns: number;
  /** Null where the outcome is unknown. */
  readonly return_ns: number | null;
}

/** A stock and its quantity before anything else happened. */
export type InitOperation = Timed<'init', { readonly stock: string; readonly quantity: number }, object>;

/** A look-up of a stock. */
export type ReadOperation = Timed<'read', { readonly stock: string }, ReadOutput>;
type ReadOutput = { readonly quantity: number } | { readonly status: 'failed' };

/** An order without a key of the client's: `delta` is positive for a sell, negative for a buy. */
export type TradeOperation = Timed<
  'trade',
  { readonly stock: string; readonly delta: number },
  { readonly status: TradeStatus }
>;

/** An order with a key. The same key may come again and again, from several clients. */
export type CreateOperation = Timed<'create', CreateInput, CreateOutput>;
export interface CreateInput {
  readonly key: string;
  readonly stock: string;
  readonly side: OrderType;
  readonly quantity: number;
}
type CreateOutput = { readonly order: number } | { readonly status: Exclude<TradeStatus, 'ok'> };

/** An order read back by its number. */
export type GetOperation = Timed<'get', { readonly order: number }, GetOutput>;
type GetOutput = OrderContents | { readonly status: 404 | 'failed' };

/** What an order says, whoever tells it. */
export interface OrderContents {
  readonly stock: string;
  readonly side: OrderType;
  readonly quantity: number;
}

export type Operation = InitOperation | ReadOperation | TradeOperation | CreateOperation | GetOperation;

/** The line of one operation, without its end. */
export function encodeOperation(operation: Operation): string {
  return JSON.stringify(operation);
}

/** Reads a history. @throws FormatError naming the line that is not the format's. */
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
  const line = asObject(value, 'operation');
  const input = asObject(line['input'], 'input');
  const output = line['output'] === null ? null : asObject(line['output'], 'output');
  const times = {
    client: asInteger(line['client'], 'client'),
    call_ns: asInteger(line['call_ns'], 'call_ns'),
    return_ns: line['return_ns'] === null ? null : asInteger(line['return_ns'], 'return_ns'),
  };
  if ((output === null) !== (times.return_ns === null)) {
    throw new FormatError('output and return_ns are both null or neither');
  }
  if (times.return_ns !== null && times.return_ns < times.call_ns) {
    throw new FormatError('it returns before it is called');
  }
  const stock = (): string => asText(input['stock'], 'stock');
  const { op } = line;
  switch (op) {
    case 'init':
      if (output === null) throw new FormatError('init has an outcome');
      return { ...times, op, input: { stock: stock(), quantity: quantityOf(input) }, output };
    case 'read':
      return { ...times, op, input: { stock: stock() }, output: output && readOutput(output) };
    case 'trade': {
      const delta = asInteger(input['delta'], 'delta', -Number.MAX_SAFE_INTEGER);
      return { ...times, op, input: { stock: stock(), delta }, output: output && tradeOutput(output) };
    }
    case 'create':
      return {
        ...times,
        op,
        input: { key: asText(input['key'], 'key'), ...contents(input) },
        output: output && createOutput(output),
      };
    case 'get': {
      const order = asInteger(input['order'], 'order', 1);
      return { ...times, op, input: { order }, output: output && getOutput(output) };
    }
    default:
      throw new FormatError(`${JSON.stringify(op)} is no operation`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function quantityOf(fields: Fields): number {
  return asInteger(fields['quantity'], 'quantity');
}

function contents(fields: Fields): OrderContents {
  const { side } = fields;
  if (side !== 'buy' && side !== 'sell') throw new FormatError('side is neither buy nor sell');
  return { stock: asText(fields['stock'], 'stock'), side, quantity: quantityOf(fields) };
}

function readOutput(fields: Fields): ReadOutput {
  return fields['status'] === 'failed' ? { status: 'failed' } : { quantity: quantityOf(fields) };
}

function tradeOutput({ status }: Fields): { status: TradeStatus } {
  if (status === 'ok' || status === 'insufficient' || status === 'failed') return { status };
  throw new FormatError(`${JSON.stringify(status)} is no status of a trade`);
}

function createOutput(fields: Fields): CreateOutput {
  if ('order' in fields) return { order: asInteger(fields['order'], 'order', 1) };
  const { status } = tradeOutput(fields);
  if (status === 'ok') throw new FormatError('a created order has a number');
  return { status };
}

function getOutput(fields: Fields): GetOutput {
  const { status } = fields;
  if (status === 404 || status === 'failed') return { status };
  return contents(fields);
}

/** What an order does to its stock. */
export function deltaOf({ side, quantity }: Pick<OrderContents, 'side' | 'quantity'>): number {
  return side === 'sell' ? quantity : -quantity;
}
