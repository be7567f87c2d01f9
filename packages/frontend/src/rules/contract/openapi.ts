/** The contract as an OpenAPI 3.1 document, made from the operations and from the schemas that validate. */
import {
  contractSchemas,
  ERROR_CODES,
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

/** The media type of errors and of whatever has a schema. */
const JSON_TYPE = 'application/json';

const KEY_SCHEMA: JsonSchema = {
  ...{ type: 'string', minLength: 1, maxLength: KEY_LENGTH_MAX, pattern: '^[\\x20-\\x7e]+$' },
};

/** A parameter as OpenAPI describes it. */
export interface DescribedParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: true;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export const PARAMETERS: Readonly<Record<ParameterName, DescribedParameter>> = {
  StockName: parameter('path', 'name', { type: 'string', minLength: 1, maxLength: 64 }),
  OrderNumber: parameter('path', 'number', { type: 'integer', minimum: 1 }),
  Limit: parameter('query', 'limit', {
    ...{ type: 'integer', minimum: 1, maximum: PAGE_ROWS_MAX, default: PAGE_ROWS_DEFAULT },
  }),
  AfterStock: parameter(
    'query',
    'after',
    { type: 'string', maxLength: ORDER_NAME_LENGTH_MAX },
    'Go on after this name.',
  ),
  AfterOrder: parameter('query', 'after', { type: 'integer', minimum: 0 }, 'Go on after this number.'),
  OrderStock: parameter(
    ...(['query', 'name', { type: 'string', minLength: 1, maxLength: ORDER_NAME_LENGTH_MAX }] as const),
    'Orders of this stock alone.',
  ),
  IfNoneMatch: parameter(
    'header',
    'If-None-Match',
    { type: 'string' },
    'Answers 304 where the entity tag is this.',
  ),
  IdempotencyKey: parameter(
    'header',
    'Idempotency-Key',
    KEY_SCHEMA,
    'Printable ASCII. One key, one effect. Made if none is given.',
  ),
};

const HEADERS: Readonly<
  Record<HeaderName | 'XRequestId' | 'XServedBy' | 'RetryAfter' | 'WwwAuthenticate', Json>
> = {
  Location: header('Path of the order.', { type: 'string', examples: ['/orders/10'] }),
  ETag: header('Version of what is answered, in this life of the cluster.', {
    ...{ type: 'string', examples: ['"5f0c9a3100112233-v7"'] },
  }),
  XCache: header('Whether the cache answered.', { type: 'string', enum: ['hit', 'miss'] }),
  CacheControl: header('How long an answer may be kept.', { type: 'string' }),
  IdempotencyKey: header('The key of the request, or the one that was made for it.', KEY_SCHEMA),
  XRequestId: header(
    'The request’s own id where it is 1 to 128 visible ASCII characters, else one that was made.',
    {
      ...{ type: 'string', maxLength: 128 },
    },
  ),
  XServedBy: header('The process that answered.', { type: 'string' }),
  RetryAfter: header('Seconds after which to ask again.', { type: 'integer' }),
  WwwAuthenticate: header('How to authenticate.', { type: 'string' }),
};

/** Names of headers as they stand in an answer. */
const HEADER_NAMES: Readonly<Record<keyof typeof HEADERS, string>> = {
  ...{ Location: 'Location', ETag: 'ETag', XCache: 'X-Cache', CacheControl: 'Cache-Control' },
  ...{ IdempotencyKey: 'Idempotency-Key', XRequestId: 'X-Request-Id', XServedBy: 'X-Served-By' },
  ...{ RetryAfter: 'Retry-After', WwwAuthenticate: 'WWW-Authenticate' },
};

const DESCRIPTION =
  'A Raft-backed replicated order store. Every error is JSON with a stable word in `error.status`; a path that is none ' +
  'of these answers 404 `ROUTE_NOT_FOUND`, another method 405 `METHOD_NOT_ALLOWED` with `Allow`. A slash at the end of ' +
  'a path makes no difference. Every request is answered within its deadline, 5 seconds unless set.';

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
      { name: 'stocks', description: 'What can be traded.' },
      { name: 'orders', description: 'Trades.' },
      { name: 'people', description: 'Pages.' },
      { name: 'watching', description: 'For those who watch over the process.' },
    ],
    security: [],
    paths,
    components: {
      schemas: contractSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        operator: {
          type: 'http',
          scheme: 'bearer',
          description: 'The operator’s token. Without one set, nobody is.',
        },
      },
    },
  };
}

function describeOperation(operation: Operation): Json {
  const { id, tag, summary, description, parameters = [], body, isOperators = false } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters: parameters.map((name) => ref('parameters', name)) }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonOf(ref('schemas', body)) } }),
    ...(isOperators ? { security: [{ operator: [] }] } : {}),
    responses: describeAnswers(operation),
  };
}

function describeAnswers({ answer, errors, isConditional = false, isOperators = false }: Operation): Json {
  const { description, schema, mediaType = JSON_TYPE, headers = [] } = answer;
  const content =
    schema !== undefined
      ? jsonOf(ref('schemas', schema))
      : { [mediaType]: { schema: { type: mediaType === JSON_TYPE ? 'object' : 'string' } } };
  const words = [...COMMON_ERRORS, ...(isOperators ? (['UNAUTHORIZED'] as const) : []), ...errors];
  return {
    200: { description, headers: describeHeaders(headers), content },
    ...(isConditional
      ? { 304: { description: 'It is what you have.', headers: describeHeaders(headers) } }
      : {}),
    ...describeErrors(words),
  };
}

/** One answer for each HTTP status, with the words that come with it. */
function describeErrors(words: readonly ErrorStatus[]): Json {
  const codes = [...new Set(words.map((word) => ERROR_CODES[word]))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    codes.map((code) => {
      const own = [...new Set(words.filter((word) => ERROR_CODES[word] === code))];
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
        { description: own.map((word) => `\`${word}\``).join(', '), headers, content: jsonOf(narrowed) },
      ];
    }),
  );
}

function headersOfError(word: ErrorStatus): readonly (keyof typeof HEADERS)[] {
  switch (word) {
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
  place: 'path' | 'query' | 'header',
  name: string,
  schema: JsonSchema,
  description?: string,
): DescribedParameter {
  const words = description === undefined ? {} : { description };
  return { name, in: place, ...(place === 'path' ? { required: true } : {}), ...words, schema };
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
