/**
 * Valid HTTP requests with invalid contents: wrong types in every field, deep and huge bodies, missing
 * authorization.
 */
import { requestText, completeRequest, type Attack, type RequestTemplate } from './attack.js';

export const PUBLIC_BASE: RequestTemplate = {
  port: 'public',
  method: 'POST',
  path: '/orders',
  headers: { host: 'x', 'content-type': 'application/json', connection: 'close' },
  body: '{"name":"AAPL","type":"buy","quantity":0}',
};

/** JSON values of every wrong type. */
const VALUES = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1.5',
  '1e-7',
  '1e400',
  '-1e400',
  '9007199254740992',
  '1e21',
  '-0',
  '""',
  '" "',
  '"1"',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"buy "',
  '[]',
  '[1]',
  '{}',
  '{"a":1}',
  '{"__proto__":{"quantity":1}}',
  '{"toString":1}',
  'NaN',
  'Infinity',
  '01',
  '1_0',
  `"${'x'.repeat(5_000)}"`,
  `[${'1,'.repeat(4_000)}1]`,
];

const DEPTH = 100_000;

export function publicAttacks(operatorToken: string): Attack[] {
  return [...fields(operatorToken), ...bodies(), ...paths(), ...credentials(operatorToken)];
}

function makeAttack(kind: string, name: string, text: string): Attack {
  return { port: 'public', kind, name, steps: [text] };
}

/** Orders, listings and restocks in which one field has a wrong value. */
function fields(operatorToken: string): Attack[] {
  const authorization = `Bearer ${operatorToken}`;
  const headers = { ...PUBLIC_BASE.headers, authorization };
  const restock: RequestTemplate = { ...PUBLIC_BASE, path: '/stocks/AAPL/restock', headers };
  const list: RequestTemplate = { ...PUBLIC_BASE, method: 'PUT', path: '/stocks/AAPL', headers };
  const order = { name: '"AAPL"', type: '"buy"', quantity: '0' };
  const forms = [
    ...Object.keys(order).map((field) => [PUBLIC_BASE, order, field, 'order'] as const),
    [restock, { quantity: '0' }, 'quantity', 'restock'] as const,
    [list, { price: '0' }, 'price', 'listing'] as const,
  ];
  return forms.flatMap(([base, form, field, what]) =>
    VALUES.filter((value) => !(field === 'price' && isPrice(value))).map((value) => {
      const body = jsonOf({ ...form, [field]: value });
      return makeAttack(`wrong ${field} of ${what}`, value.slice(0, 40), completeRequest(base, body));
    }),
  );
}

/** Whether a value is a valid price: any decimal number with at most two decimals. */
function isPrice(value: string): boolean {
  return value === '1.5';
}

function jsonOf(form: Readonly<Record<string, string>>): string {
  return `{${Object.entries(form)
    .map(([name, value]) => `"${name}":${value}`)
    .join(',')}}`;
}

function bodies(): Attack[] {
  const good = '"name":"AAPL","type":"buy"';
  const samples: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['not JSON', 'name=AAPL&quantity=1'],
    ['truncated JSON', '{"name":"AAPL","type":"buy","quantity":'],
    ['JSON and trailing text', `{${good},"quantity":0} {}`],
    ['a list', '[]'],
    ['a number', '7'],
    ['a string', '"x"'],
    ['null', 'null'],
    ['no fields', '{}'],
    ['a name that grows when encoded', `{"name":"${'x'.repeat(62)}\\ud83d","type":"sell","quantity":1}`],
    ['two quantities', `{${good},"quantity":1,"quantity":-1}`],
    ['the prototype as a field', `{"__proto__":{"name":"AAPL","type":"buy","quantity":1}}`],
    ['the constructor as a field', '{"constructor":{"prototype":{"quantity":1}}}'],
    ['field names in capitals', '{"NAME":"AAPL","TYPE":"buy","QUANTITY":1}'],
    ['a byte order mark', `\ufeff{${good},"quantity":0}`],
    ['comments', `{/* */${good},"quantity":0}`],
    ['a trailing comma', `{${good},"quantity":0,}`],
    ['single quotes', "{'name':'AAPL'}"],
    ['a number of 10,000 digits', `{${good},"quantity":${'9'.repeat(10_000)}}`],
    ['a stock of 16,000 characters', `{"name":"${'x'.repeat(16_000)}","type":"buy","quantity":1}`],
    ['beyond the limit', `{${good},"quantity":0,"x":"${'x'.repeat(20_000)}"}`],
    ['a megabyte', 'x'.repeat(1_048_576)],
    ['lists, 100,000 deep', '['.repeat(DEPTH) + ']'.repeat(DEPTH)],
    ['objects, 100,000 deep', '{"a":'.repeat(DEPTH) + '1' + '}'.repeat(DEPTH)],
    ['lists, 8,000 deep, within the limit', `{${good},"quantity":${'['.repeat(8_000)}${']'.repeat(8_000)}}`],
    [
      'objects, 2,500 deep, within the limit',
      `{${good},"quantity":${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}}`,
    ],
    ['unclosed lists', '['.repeat(16_000)],
  ];
  const encodings: readonly (readonly [string, string])[] = [
    ['text/plain', 'content-type: text/plain'],
    ['a form', 'content-type: application/x-www-form-urlencoded'],
    ['XML', 'content-type: application/xml'],
    ['gzip', 'content-encoding: gzip'],
    ['br', 'content-encoding: br, gzip'],
  ];
  const bare = { ...PUBLIC_BASE, headers: { host: 'x', connection: 'close' } };
  const length = `content-length: ${PUBLIC_BASE.body.length}`;
  return [
    ...samples.map(([name, body]) => makeAttack('bad body', name, completeRequest(PUBLIC_BASE, body))),
    ...encodings.map(([name, line]) =>
      makeAttack('wrong media type', name, requestText(bare, [line, length])),
    ),
    {
      ...makeAttack('bad body', 'not UTF-8', ''),
      steps: [requestText(PUBLIC_BASE, ['content-length: 4'], ''), Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    },
  ];
}

function paths(): Attack[] {
  const targets = [
    '/orders/0',
    '/orders/-1',
    '/orders/1.0',
    '/orders/1e3',
    '/orders/0x1',
    '/orders/99999999999999999999',
    '/orders/__proto__',
    '/orders/%00',
    '/orders/%',
    '/orders/%zz',
    '/orders/..%2f..',
    '/orders/9007199254740993',
    '/stocks/__proto__',
    '/stocks/constructor',
    '/stocks/%ff',
    '/stocks/..',
    '/stocks/%2e%2e%2fx',
    '/stocks/a%00b',
    '/orders?name=%ed%a0%bd',
    '/stocks?limit=0',
    '/stocks?limit=-1',
    '/stocks?limit=1e9',
    '/stocks?limit=x',
    '/stocks?limit=1&limit=2',
    '/orders?after=-1',
    '/orders?after=x',
    '/orders?limit=100000000',
    '/orders?name=',
    '/orders?after=1&after=2',
    '/export',
    '/links/frontend',
    '/links/leader',
    '/raft',
    '/raft/snapshot',
    '/kill',
    '/debug',
    '/.env',
    '/.git/config',
    `/stocks/${'x'.repeat(10_000)}`,
    `/orders/${'9'.repeat(10_000)}`,
    `/orders?name=${'x'.repeat(10_000)}`,
  ];
  const headers = { host: 'x', connection: 'close' };
  return targets.map((path) =>
    makeAttack(
      'bad path or query',
      path.slice(0, 60),
      requestText({ ...PUBLIC_BASE, method: 'GET', path, headers, body: '' }),
    ),
  );
}

/** Operator routes without a valid token, and invalid idempotency keys. */
function credentials(operatorToken: string): Attack[] {
  const body = '{"quantity":1}';
  const restock = { ...PUBLIC_BASE, path: '/stocks/AAPL/restock', body };
  const list = { ...PUBLIC_BASE, method: 'PUT', path: '/stocks/AAPL', body: '{"price":1}' };
  const grants = [
    '',
    'Bearer',
    'Bearer x',
    `Bearer ${operatorToken.slice(1)}`,
    `Bearer ${operatorToken}x`,
    `Basic ${Buffer.from(`x:${operatorToken}`).toString('base64')}`,
    operatorToken,
    `Bearer ${'x'.repeat(8_000)}`,
  ];
  const keys = ['', 'x'.repeat(256), 'caf\u00e9', 'a\tb', 'x'.repeat(10_000)];
  const sized = (base: RequestTemplate, line: string): string =>
    requestText(base, [line, `content-length: ${Buffer.byteLength(base.body)}`]);
  return [
    ...[restock, list].flatMap((base) =>
      grants.map((grant) =>
        makeAttack(
          'operator without the token',
          `${base.method} with ${grant.slice(0, 8)}`,
          sized(base, `authorization: ${grant}`),
        ),
      ),
    ),
    ...keys.map((key) =>
      makeAttack('bad key', JSON.stringify(key).slice(0, 20), sized(PUBLIC_BASE, `idempotency-key: ${key}`)),
    ),
  ];
}
