/** Schemas and parsers of request bodies. Each error names the field and the problem. */
import { z } from 'zod';
import { FormatError, TriremeError, type ErrorStatus } from './errors.js';
import { parseStrictJson } from './strict-json.js';
import { KEY_LENGTH_MAX, isIdempotencyKey } from './command.js';
import { PRICE_CENTS_MAX, parseCents, type Cents } from './money.js';
import { ORDER_NAME_LENGTH_MAX, ORDER_QUANTITY_MAX, isOrderName, type OrderRequest } from './order.js';
import { STOCK_NAME } from './stock.js';

const quantity = z
  .number({ error: 'must be a whole number' })
  .min(1, 'must be at least 1')
  .max(ORDER_QUANTITY_MAX, `must be at most ${ORDER_QUANTITY_MAX}`)
  .int('must be a whole number');

/** Body of `POST /orders`. */
export const orderBody = z.object(
  {
    name: z
      .string({ error: 'must be a string' })
      .min(1, 'must not be empty')
      .max(ORDER_NAME_LENGTH_MAX, `must have at most ${ORDER_NAME_LENGTH_MAX} characters`)
      .refine(isOrderName, 'must be well-formed Unicode')
      .meta({ description: `Well-formed Unicode of at most ${ORDER_NAME_LENGTH_MAX} UTF-16 units.` }),
    type: z.enum(['buy', 'sell'], { error: 'must be "buy" or "sell"' }),
    quantity,
  },
  { error: 'must be a JSON object' },
);

/** Body of `POST /stocks/{name}/restock`. */
export const restockBody = z.object({ quantity }, { error: 'must be a JSON object' });

const amount = z
  .number({ error: 'must be a number' })
  // For the documentation only: the bounds are checked after the conversion to cents.
  .meta({
    description: 'Decimal currency with at most two decimals.',
    minimum: 0.01,
    maximum: PRICE_CENTS_MAX / 100,
  });

/** Body of `PUT /stocks/{name}`. */
export const listBody = z.object(
  {
    price: amount.transform((price, context): Cents => {
      const cents = parseCents(price);
      if (cents === null) context.addIssue('must be from 0.01 to 10000000.00 with at most two decimals');
      return cents ?? 0;
    }),
  },
  { error: 'must be a JSON object' },
);

/** @throws TriremeError `INVALID_ORDER` naming the field. */
export function parseOrderBody(json: string): OrderRequest {
  return parse(orderBody, json, 'INVALID_ORDER', 'order');
}

/** @throws TriremeError `INVALID_STOCK` naming the field. */
export function parseListBody(json: string): { readonly price: Cents } {
  return parse(listBody, json, 'INVALID_STOCK', 'stock');
}

/** @throws TriremeError `INVALID_STOCK` naming the field. */
export function parseRestockBody(json: string): { readonly quantity: number } {
  return parse(restockBody, json, 'INVALID_STOCK', 'restock');
}

/** Parses a name under which a stock can be listed. @throws TriremeError `INVALID_STOCK`. */
export function parseStockName(name: string): string {
  if (!STOCK_NAME.test(name)) {
    throw new TriremeError(
      'INVALID_STOCK',
      'name: must be 1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit',
    );
  }
  return name;
}

/** Parses an `Idempotency-Key`: 1 to 255 printable ASCII characters. @throws TriremeError `INVALID_REQUEST`. */
export function parseIdempotencyKey(key: string): string {
  if (!isIdempotencyKey(key)) {
    throw new TriremeError(
      'INVALID_REQUEST',
      `Idempotency-Key: must be 1 to ${KEY_LENGTH_MAX} printable ASCII characters`,
    );
  }
  return key;
}

function parse<T>(schema: z.ZodType<T>, json: string, status: ErrorStatus, what: string): T {
  let body: unknown;
  try {
    body = parseStrictJson(json);
  } catch (error) {
    throw new TriremeError(
      status,
      error instanceof FormatError ? error.message : `${what}: body is not valid JSON`,
    );
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new TriremeError(status, `${field === '' ? what : field}: ${issue?.message ?? 'is not valid'}`);
}
