/**
 * The bodies of the HTTP API as JSON Schema (2020-12), for its documentation. Request schemas are generated from those
 * that validate requests. Response schemas are checked against real responses by the contract tests.
 */
import { z } from 'zod';
import { PUBLIC_STATUSES } from './errors.js';
import { PRICE_CENTS_MAX } from './money.js';
import { ORDER_NAME_LENGTH_MAX, ORDER_QUANTITY_MAX } from './order.js';
import { listBody, orderBody, restockBody } from './requests.js';

const price = z
  .number()
  .min(0.01)
  .max(PRICE_CENTS_MAX / 100)
  .meta({ description: 'Decimal currency with at most two decimals.', examples: [55.0] });
const number = z
  .int()
  .min(1)
  .meta({ description: 'From 1, in log order, without gaps.', examples: [10] });
const type = z.enum(['buy', 'sell']);
const quantity = z.int().min(1).max(ORDER_QUANTITY_MAX);

const stock = z.object({ name: z.string(), price, quantity: z.int().min(0) });
const order = z.object({
  number,
  name: z.string().max(ORDER_NAME_LENGTH_MAX),
  type,
  quantity,
  price,
  time: z.iso.datetime(),
});

/** Response bodies of the public API. */
export const RESPONSE_SCHEMAS = {
  Stock: z.object({ data: stock }),
  StockPage: z.object({
    data: z.array(stock),
    next: z.string().nullable().meta({ description: 'Value of `after` for the next page; null at the end.' }),
  }),
  PlacedOrder: z.object({ data: z.object({ transaction_number: number }) }),
  Order: z.object({ data: order }),
  OrderPage: z.object({
    data: z.array(order),
    next: z.int().nullable().meta({
      description:
        'Value of `after` for the next page; null only at the end. A page may be short or empty before the end.',
    }),
  }),
  Error: z.object({
    error: z.object({
      code: z.int().min(400).max(599).meta({ description: 'The HTTP status code.' }),
      message: z.string().meta({ description: 'Text for humans; it may change.' }),
      status: z.enum(PUBLIC_STATUSES).meta({ description: 'Stable error word for programs.' }),
    }),
  }),
} as const;

/** Request bodies. */
const REQUEST_SCHEMAS = {
  OrderRequest: orderBody.meta({ examples: [{ name: 'AAPL', type: 'buy', quantity: 1 }] }),
  StockPrice: listBody.meta({ examples: [{ price: 12.5 }] }),
  Restock: restockBody.meta({ examples: [{ quantity: 40 }] }),
} as const;

/** The name of a schema in the OpenAPI document. */
export type ApiSchemaName = keyof typeof RESPONSE_SCHEMAS | keyof typeof REQUEST_SCHEMAS;

/** A JSON Schema object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** All schemas by name. Rules that a schema cannot express, such as two decimals, are in its description. */
export function apiSchemas(): Readonly<Record<ApiSchemaName, JsonSchema>> {
  const convert = (schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): object =>
    Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => {
        const json = { ...z.toJSONSchema(schema, { io }) };
        // OpenAPI 3.1 defines the dialect for all schemas.
        delete json.$schema;
        return [name, json];
      }),
    );
  return { ...convert(REQUEST_SCHEMAS, 'input'), ...convert(RESPONSE_SCHEMAS, 'output') } as ReturnType<
    typeof apiSchemas
  >;
}
