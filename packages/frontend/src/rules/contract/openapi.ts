/** The contract as an OpenAPI 3.1 document, generated from the operations and the validation schemas. */
import {
  apiSchemas,
  HTTP_STATUS_OF,
  KEY_LENGTH_MAX,
  ORDER_NAME_LENGTH_MAX,
  PAGE_ROWS_MAX,
  type ErrorStatus,
  type JsonSchema,
} from '@trireme/domain';
import { PAGE_ROWS_DEFAULT } from '../requests.js';
import {
  COMMON_ERRORS,
  OPERATIONS,
  type HeaderName,
  type Operation,
  type ParameterName,
} from './operations.js';

type Json = Readonly<Record<string, unknown>>;

/** Media type of errors and of every response with a schema. */
const JSON_TYPE = 'application/json';

const KEY_SCHEMA: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: KEY_LENGTH_MAX,
  pattern: '^[\\x20-\\x7e]+$',
};

/** A parameter as OpenAPI describes it. */
export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: true | undefined;
  readonly description?: string | undefined;
  readonly schema: JsonSchema;
}

export const PARAMETERS: Readonly<Record<ParameterName, OpenApiParameter>> = {
  StockName: parameter('path', 'name', { type: 'string', minLength: 1, maxLength: 64 }),
  OrderNumber: parameter('path', 'number', { type: 'integer', minimum: 1 }),
  Limit: parameter('query', 'limit', {
    type: 'integer',
    minimum: 1,
    maximum: PAGE_ROWS_MAX,
    default: PAGE_ROWS_DEFAULT,
  }),
  AfterStock: parameter(
    'query',
    'after',
    { type: 'string', maxLength: ORDER_NAME_LENGTH_MAX },
    'Start after this stock name.',
  ),
  AfterOrder: parameter('query', 'after', { type: 'integer', minimum: 0 }, 'Start after this order number.'),
  OrderStock: parameter(
    ...(['query', 'name', { type: 'string', minLength: 1, maxLength: ORDER_NAME_LENGTH_MAX }] as const),
    'Only orders of this stock.',
  ),
  IfNoneMatch: parameter(
    'header',
    'If-None-Match',
    { type: 'string' },
    'Returns 304 if the entity tag still matches.',
  ),
  IdempotencyKey: parameter(
    'header',
    'Idempotency-Key',
    KEY_SCHEMA,
    'Printable ASCII. Requests with the same key have one effect. Generated if absent.',
  ),
};

const HEADERS: Readonly<
  Record<HeaderName | 'XRequestId' | 'XServedBy' | 'RetryAfter' | 'WwwAuthenticate', Json>
> = {
  Location: header('Path of the order.', { type: 'string', examples: ['/orders/10'] }),
  ETag: header('Version of the resource in this life of the cluster.', {
    type: 'string',
    examples: ['"5f0c9a3100112233-v7"'],
  }),
  XCache: header('Whether the response came from the cache.', { type: 'string', enum: ['hit', 'miss'] }),
  CacheControl: header('How long the response may be cached.', { type: 'string' }),
  IdempotencyKey: header('The key of the request, or the one generated for it.', KEY_SCHEMA),
  XRequestId: header(
    'The id of the request if it is 1 to 128 visible ASCII characters, else a generated one.',
    {
      type: 'string',
      maxLength: 128,
    },
  ),
  XServedBy: header('Name of the process that sent the response.', { type: 'string' }),
  RetryAfter: header('Seconds to wait before a retry.', { type: 'integer' }),
  WwwAuthenticate: header('How to authenticate.', { type: 'string' }),
};

/** Names of the headers in a response. */
const HEADER_NAMES: Readonly<Record<keyof typeof HEADERS, string>> = {
  Location: 'Location',
  ETag: 'ETag',
  XCache: 'X-Cache',
  CacheControl: 'Cache-Control',
  IdempotencyKey: 'Idempotency-Key',
  XRequestId: 'X-Request-Id',
  XServedBy: 'X-Served-By',
  RetryAfter: 'Retry-After',
  WwwAuthenticate: 'WWW-Authenticate',
};

const DESCRIPTION =
  'A Raft-backed replicated order store. Every error is JSON with a stable string in `error.status`. An unknown path ' +
  'returns 404 `ROUTE_NOT_FOUND`, an unsupported method 405 `METHOD_NOT_ALLOWED` with `Allow`. A trailing slash is ' +
  'ignored. Every request is answered within its deadline, 5 seconds by default.';

/** The whole document. */
export function openApiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Trireme',
      version: '1.0.0',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'stocks', description: 'Stocks that can be traded.' },
      { name: 'orders', description: 'Buy and sell orders.' },
      { name: 'pages', description: 'Pages for browsers.' },
      { name: 'monitoring', description: 'Health, status and metrics of the process.' },
    ],
    security: [],
    paths,
    components: {
      schemas: apiSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        operator: {
          type: 'http',
          scheme: 'bearer',
          description: 'The operator token. If none is configured, these requests are rejected.',
        },
      },
    },
  };
}

function describeOperation(operation: Operation): Json {
  const { id, tag, summary, description, parameters, body, requiresOperator = false } = operation;
  // JSON has no fields that are undefined.
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    parameters: parameters?.map((name) => ref('parameters', name)),
    requestBody: body && { required: true, content: jsonOf(ref('schemas', body)) },
    security: requiresOperator ? [{ operator: [] }] : undefined,
    responses: describeAnswers(operation),
  };
}

function describeAnswers({
  response,
  errors,
  supportsConditional = false,
  requiresOperator = false,
}: Operation): Json {
  const { description, schema, mediaType = JSON_TYPE, headers = [] } = response;
  const content =
    schema !== undefined
      ? jsonOf(ref('schemas', schema))
      : { [mediaType]: { schema: { type: mediaType === JSON_TYPE ? 'object' : 'string' } } };
  const statuses = [...COMMON_ERRORS, ...(requiresOperator ? (['UNAUTHORIZED'] as const) : []), ...errors];
  const notModified = supportsConditional
    ? { 304: { description: 'Not modified.', headers: describeHeaders(headers) } }
    : {};
  return {
    200: { description, headers: describeHeaders(headers), content },
    ...notModified,
    ...describeErrors(statuses),
  };
}

/** One response for each HTTP status code, with its `status` values. */
function describeErrors(statuses: readonly ErrorStatus[]): Json {
  const codes = [...new Set(statuses.map((status) => HTTP_STATUS_OF[status]))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    codes.map((code) => {
      const own = [...new Set(statuses.filter((status) => HTTP_STATUS_OF[status] === code))];
      const narrowed = {
        allOf: [
          ref('schemas', 'Error'),
          {
            type: 'object',
            properties: { error: { type: 'object', properties: { status: { enum: own } } } },
          },
        ],
      };
      const headers = describeHeaders(own.flatMap(headersOfError));
      return [
        code,
        { description: own.map((status) => `\`${status}\``).join(', '), headers, content: jsonOf(narrowed) },
      ];
    }),
  );
}

function headersOfError(status: ErrorStatus): readonly (keyof typeof HEADERS)[] {
  switch (status) {
    case 'UNAVAILABLE':
    case 'RATE_LIMITED':
      return ['RetryAfter'];
    case 'UNAUTHORIZED':
      return ['WwwAuthenticate'];
    case 'OUTCOME_UNKNOWN':
      return ['IdempotencyKey'];
    default:
      return [];
  }
}

function describeHeaders(names: readonly (keyof typeof HEADERS)[]): Json {
  const all = new Set<keyof typeof HEADERS>([...names, 'XRequestId', 'XServedBy']);
  return Object.fromEntries([...all].map((name) => [HEADER_NAMES[name], ref('headers', name)]));
}

function parameter(
  location: 'path' | 'query' | 'header',
  name: string,
  schema: JsonSchema,
  description?: string,
): OpenApiParameter {
  return { name, in: location, required: location === 'path' ? true : undefined, description, schema };
}

function header(description: string, schema: JsonSchema): Json {
  return { description, schema };
}

function ref(kind: 'schemas' | 'parameters' | 'headers', name: string): Json {
  return { $ref: `#/components/${kind}/${name}` };
}

function jsonOf(schema: Json): Json {
  return { [JSON_TYPE]: { schema } };
}
