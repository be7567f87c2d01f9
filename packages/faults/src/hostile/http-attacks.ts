/** Attacks on every port: requests that are not HTTP, too large, or ambiguous about their end. */
import {
  FIN,
  requestText,
  completeRequest,
  type Attack,
  type RequestTemplate,
  type AttackStep,
} from './attack.js';

type Samples = readonly (readonly [name: string, ...steps: AttackStep[]])[];

export function httpAttacks(base: RequestTemplate): Attack[] {
  const makeAttacks = (kind: string, samples: Samples): Attack[] =>
    samples.map(([name, ...steps]) => ({ port: base.port, kind, name, steps }));
  return [
    ...makeAttacks('two lengths', lengths(base)),
    ...makeAttacks('bad chunks', chunks(base)),
    ...makeAttacks('bad request line', requestLines(base)),
    ...makeAttacks('bad header', headers(base)),
    ...makeAttacks('header bomb', bombs(base)),
    ...makeAttacks('another protocol', PROTOCOLS),
    ...makeAttacks('upgrade to nowhere', upgrades(base)),
    ...makeAttacks('bytes after a request', trailing(base)),
    ...makeAttacks('cut at a byte', cuts(base)),
  ];
}

/** Request smuggling: parsers that use different lengths see different requests (RFC 9112, section 11.2). */
function lengths(base: RequestTemplate): Samples {
  const { length } = base.body;
  const smuggled = 'GET /status HTTP/1.1\r\nhost: x\r\n\r\n';
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ['length, then chunked', [`content-length: ${length}`, 'transfer-encoding: chunked']],
    ['chunked, then length', ['transfer-encoding: chunked', `content-length: ${length}`]],
    ['chunked with length 0', ['content-length: 0', 'Transfer-Encoding: chunked']],
    ['two that differ', [`content-length: ${length}`, `content-length: ${length + 1}`]],
    ['a list of two', [`content-length: ${length}, ${length + 1}`]],
    ['with a sign', [`content-length: +${length}`]],
    ['below zero', ['content-length: -1']],
    ['hexadecimal', ['content-length: 0x10']],
    ['with an exponent', ['content-length: 1e2']],
    ['with a space inside', ['content-length: 1 0']],
    ['beyond 2^64', ['content-length: 99999999999999999999']],
    ['not a number', ['content-length: NaN']],
    ['chunked twice', ['transfer-encoding: chunked, chunked']],
    ['chunked, then identity', ['transfer-encoding: chunked, identity']],
    ['an unknown encoding', ['transfer-encoding: xchunked']],
    ['a tab before chunked', ['transfer-encoding:\tchunked', `content-length: ${length}`]],
    ['space before the colon', ['transfer-encoding : chunked', `content-length: ${length}`]],
  ];
  return lines.map(([name, more]) => [name, requestText(base, more, `0\r\n\r\n${smuggled}`), FIN]);
}

function chunks(base: RequestTemplate): Samples {
  const start = requestText(base, ['transfer-encoding: chunked'], '');
  return [
    ['an invalid size', `${start}zz\r\nabc\r\n0\r\n\r\n`, FIN],
    ['a size below zero', `${start}-5\r\nabcde\r\n0\r\n\r\n`, FIN],
    ['a size beyond 2^64', `${start}fffffffffffffffff\r\n`, FIN],
    ['a size of 4 GiB, then nothing', `${start}ffffffff\r\nabc`, FIN],
    ['no line break after the data', `${start}3\r\nabcX5\r\nabcde\r\n0\r\n\r\n`, FIN],
    ['bare line feeds', `${start}3\nabc\n0\n\n`, FIN],
    ['an extension of 64 KiB', `${start}3;x=${'y'.repeat(65_536)}\r\nabc\r\n0\r\n\r\n`, FIN],
    ['a trailer of 64 KiB', `${start}0\r\nx: ${'y'.repeat(65_536)}\r\n\r\n`, FIN],
    ['no last chunk', `${start}3\r\nabc\r\n`, FIN],
    ['an empty size', `${start}\r\nabc\r\n`, FIN],
    ['ten thousand chunks of a byte', start + '1\r\nx\r\n'.repeat(10_000), FIN],
  ];
}

function requestLines({ method, path }: RequestTemplate): Samples {
  const line = (text: string): string => `${text}\r\nhost: x\r\n\r\n`;
  return [
    ['no version', line(`${method} ${path}`), FIN],
    ['version 0.9', line(`${method} ${path} HTTP/0.9`), FIN],
    ['version 9.9', line(`${method} ${path} HTTP/9.9`), FIN],
    ['a version in lower case', line(`${method} ${path} http/1.1`), FIN],
    ['two spaces', line(`${method}  ${path}  HTTP/1.1`), FIN],
    ['a tab', line(`${method}\t${path}\tHTTP/1.1`), FIN],
    ['no path', line(`${method} HTTP/1.1`), FIN],
    ['a null byte', line(`${method} ${path}\0 HTTP/1.1`), FIN],
    ['a bare carriage return', line(`${method} ${path}\rX: y HTTP/1.1`), FIN],
    ['an unknown method', line(`HACK ${path} HTTP/1.1`), FIN],
    ['a method in lower case', line(`${method.toLowerCase()} ${path} HTTP/1.1`), FIN],
    ['a method of 10 KiB', line(`${'A'.repeat(10_240)} ${path} HTTP/1.1`), FIN],
    ['a path of 64 KiB', line(`${method} /${'a'.repeat(65_536)} HTTP/1.1`), FIN],
    ['TRACE', line(`TRACE ${path} HTTP/1.1`), FIN],
    ['CONNECT', line('CONNECT example.org:443 HTTP/1.1'), FIN],
    ['DELETE', line(`DELETE ${path} HTTP/1.1`), FIN],
    ['the path of a file', line(`${method} /../../../../etc/passwd HTTP/1.1`), FIN],
    ['the same, encoded', line(`${method} /%2e%2e/%2e%2e/etc/passwd HTTP/1.1`), FIN],
    ['another server', line(`${method} http://169.254.169.254/latest/meta-data HTTP/1.1`), FIN],
    ['a target that is not a URL', line(`${method} //[ HTTP/1.1`), FIN],
    ['a property of every object', line(`${method} /__proto__ HTTP/1.1`), FIN],
    ['a thousand empty lines', `${'\r\n'.repeat(1_000)}X`, FIN],
    ['bytes beyond ASCII', Buffer.from(line(`${method} /\xff\xfe HTTP/1.1`), 'latin1'), FIN],
  ];
}

function headers(base: RequestTemplate): Samples {
  const lines: readonly (readonly [string, string])[] = [
    ['no colon', 'x'],
    ['no name', ': x'],
    ['a space before the colon', 'x : y'],
    ['a folded line', 'x: y\r\n z'],
    ['a null byte', 'x: a\0b'],
    ['a bare carriage return', 'x: a\rb'],
    ['a bare line feed', 'x: a\nInjected'],
    ['a name beyond ASCII', 'x\xff: y'],
    ['a name with parentheses', 'x(): y'],
    ['a control character', 'x: a\x01b'],
    ['a delete character', 'x: a\x7fb'],
  ];
  return lines.map(([name, line]) => [
    name,
    Buffer.from(requestText(base, [line, `content-length: ${base.body.length}`]), 'latin1'),
    FIN,
  ]);
}

function bombs(base: RequestTemplate): Samples {
  const sized = (lines: readonly string[]): string =>
    requestText(base, [...lines, `content-length: ${base.body.length}`]);
  return [
    ['one of 64 KiB', sized([`x: ${'y'.repeat(65_536)}`]), FIN],
    ['a name of 64 KiB', sized([`${'x'.repeat(65_536)}: y`]), FIN],
    ['ten thousand', sized(Array.from({ length: 10_000 }, (_, i) => `x-${i}: y`)), FIN],
    ['a megabyte of cookies', sized(Array.from({ length: 256 }, () => `cookie: ${'c'.repeat(4_096)}`)), FIN],
    ['a secret of 64 KiB', sized([`x-trireme-secret: ${'s'.repeat(65_536)}`]), FIN],
  ];
}

const PROTOCOLS: Samples = [
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), FIN],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', FIN],
  ['SSH', 'SSH-2.0-OpenSSH_9.0\r\n', FIN],
  ['Redis', '*1\r\n$4\r\nPING\r\n', FIN],
  ['memcached', 'stats\r\n', FIN],
  ['SMTP', 'EHLO x\r\n', FIN],
  ['PROXY', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', FIN],
  ['MessagePack', Buffer.from('93c0c3c2', 'hex'), FIN],
  ['zeros', Buffer.alloc(4_096), FIN],
  ['every byte', Buffer.from(Array.from({ length: 256 }, (_, i) => i)), FIN],
  ['nothing at all', FIN],
];

function upgrades(base: RequestTemplate): Samples {
  const upgrade = (to: string): string =>
    requestText(base, ['connection: Upgrade', `upgrade: ${to}`, `content-length: ${base.body.length}`]);
  return [
    ['websocket', upgrade('websocket'), FIN],
    ['h2c', upgrade('h2c'), FIN],
    ['frames, where there are none', upgrade('trireme-frames'), FIN],
    ['an empty one', upgrade(''), FIN],
  ];
}

/** Bytes after the last request of a connection, or while a request is being answered. */
function trailing(base: RequestTemplate): Samples {
  const whole = completeRequest(base);
  const last = completeRequest({ ...base, headers: { ...base.headers, connection: 'close' } });
  const open = completeRequest({ ...base, headers: { ...base.headers, connection: 'keep-alive' } });
  const upgrade = 'connection: Upgrade\r\nupgrade: trireme-frames';
  return [
    ['a request after the last', last + whole, FIN],
    ['garbage after the last', `${last}\0\0\0\0`, FIN],
    ['an empty line after the last', `${last}\r\n`, FIN],
    ['garbage after a request', `${whole}\0\0\0\0`, FIN],
    ['five hundred requests at once', whole.repeat(500), FIN],
    ['CONNECT after an open request', `${open}CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n`, FIN],
    [
      'an upgrade after an open request',
      `${open}GET /hostile HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n\r\n`,
      FIN,
    ],
  ];
}

/** Every proper prefix of a request. */
function cuts(base: RequestTemplate): Samples {
  const text = completeRequest(base);
  return Array.from({ length: text.length - 1 }, (_, i) => [
    `after byte ${i + 1}`,
    text.slice(0, i + 1),
    FIN,
  ]);
}
