/**
 * The contract's bodies as JSON Schema (2020-12), for its description: those of requests are made from the schemas that
 * validate, those of answers from schemas that the contract's tests hold real answers against.
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
  .meta({ description: 'Dense from 1, in the order of the log.', examples: [10] });
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

/** Answers of the public interface, each as its JSON is. */
export const ANSWERS = {
  Stock: z.object({ data: stock }),
  StockPage: z.object({
    data: z.array(stock),
    next: z.string().nullable().meta({ description: 'To be given as `after`; null at the end.' }),
  }),
  PlacedOrder: z.object({ data: z.object({ transaction_number: number }) }),
  Order: z.object({ data: order }),
  OrderPage: z.object({
    data: z.array(order),
    next: z.int().nullable().meta({
      description:
        'To be given as `after`; null at the end, and only there: a page may be short, even empty, before it.',
    }),
  }),
  Error: z.object({
    error: z.object({
      code: z.int().min(400).max(599).meta({ description: 'The HTTP status.' }),
      message: z.string().meta({ description: 'For people; it may change.' }),
      status: z.enum(PUBLIC_STATUSES).meta({ description: 'A stable word, for programs.' }),
    }),
  }),
} as const;

/** Bodies of requests. */
const REQUESTS = {
  OrderRequest: orderBody.meta({ examples: [{ name: 'AAPL', type: 'buy', quantity: 1 }] }),
  StockPrice: listBody.meta({ examples: [{ price: 12.5 }] }),
  Restock: restockBody.meta({ examples: [{ quantity: 40 }] }),
} as const;

export type ContractSchemaName = keyof typeof ANSWERS | keyof typeof REQUESTS;

/** A JSON Schema, as a value. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Every schema by its name. What a schema cannot say, such as a price's two decimals, stands in its description. */
export function contractSchemas(): Readonly<Record<ContractSchemaName, JsonSchema>> {
  const convert = (schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): object =>
    Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => {
        const json = { ...z.toJSONSchema(schema, { io }) };
        // Which dialect it is, OpenAPI 3.1 says for all of them.
        delete json.$schema;
        return [name, json];
      }),
    );
  return { ...convert(REQUESTS, 'input'), ...convert(ANSWERS, 'output') } as ReturnType<
    typeof contractSchemas
  >;
}
