/** Slow clients that try to exhaust the connections or memory of a server, on every port. */
import { requestText, type Attack, type RequestTemplate, type AttackStep } from './attack.js';

/** Bytes of a dripped request; sent with this delay they take longer than any timeout for headers or a body. */
const DRIPS = 60;
const DRIP_MS = 400;
/** Longer than the timeout of any port for an idle connection without a request. */
const IDLE_MS_MAX = 90_000;

/** Number of requests whose answers, the largest of the API, exceed the socket buffers. */
const UNREAD = 1_000;
/** Longer than the timeout for a client that does not read its answer. */
const UNREAD_MS_MAX = 60_000;

/** A client that sends many requests and reads no answer. */
export function readerAttacks(): Attack[] {
  const request = 'GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n';
  return [
    {
      port: 'public',
      kind: 'reader that does not read',
      name: `${UNREAD} pipelined requests`,
      steps: [request.repeat(UNREAD)],
      timeoutMs: UNREAD_MS_MAX,
      readsNothing: true,
    },
  ];
}

export function slowAttacks(base: RequestTemplate): Attack[] {
  const { port } = base;
  const drip = (text: string): AttackStep[] =>
    text.split('').flatMap((byte): AttackStep[] => [byte, DRIP_MS]);
  const samples: readonly (readonly [string, readonly AttackStep[]])[] = [
    ['a request line, byte by byte', drip(requestText(base).slice(0, DRIPS))],
    [
      'headers that never end',
      [
        'GET / HTTP/1.1\r\n',
        ...Array.from({ length: DRIPS }, (_, i): AttackStep[] => [`x-${i}: y\r\n`, DRIP_MS]).flat(),
      ],
    ],
    ['half a header, then silence', ['GET / HTTP/1.1\r\nhost: x\r\nx-half: ']],
    ['a body, byte by byte', [requestText(base, ['content-length: 1000'], ''), ...drip(' '.repeat(DRIPS))]],
    ['a body that is never sent', [requestText(base, ['content-length: 1000'], '')]],
    [
      'chunks, byte by byte',
      [requestText(base, ['transfer-encoding: chunked'], ''), ...drip('1\r\nx\r\n'.repeat(10))],
    ],
  ];
  return [
    { port, kind: 'slow', name: 'a silent connection', steps: [], timeoutMs: IDLE_MS_MAX },
    ...samples.map(([name, steps]) => ({ port, kind: 'slow', name, steps })),
  ];
}
