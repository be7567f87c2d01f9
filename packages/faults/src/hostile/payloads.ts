/** Invalid, huge or unexpected MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md). */
import { pack } from '@trireme/domain';

type Payload = readonly [name: string, bytes: Uint8Array];

const DEEP = 100_000;

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** Payloads that are not a message of any link. */
export const BAD_PAYLOADS: readonly Payload[] = [
  ['nil', hex('c0')],
  ['the byte that is never used', hex('c1')],
  ['a boolean', hex('c3')],
  ['a number', hex('07')],
  ['a string', pack('x')],
  ['an empty list', hex('90')],
  ['an empty map', hex('80')],
  ['two values', hex('9090')],
  ['a truncated list', hex('93c0')],
  ['a list of 2^32 - 1 items, without items', hex('ddffffffff')],
  ['a list of 2^32 - 1 items, with 1,000 items', Buffer.concat([hex('ddffffffff'), Buffer.alloc(1_000)])],
  ['a map of 2^32 - 1 entries, without entries', hex('dfffffffff')],
  ['a string of 2^32 - 1 bytes', hex('dbffffffff61')],
  ['bytes of 2^32 - 1', hex('c6ffffffff61')],
  ['an extension of 2^32 - 1 bytes', hex('c9ffffffff0161')],
  ['nested lists, 100,000 deep', Buffer.alloc(DEEP, 0x91)],
  ['nested maps, 100,000 deep', Buffer.from(hex('81a161').toString('latin1').repeat(DEEP), 'latin1')],
  ['a list of 1,000,000 nils', Buffer.concat([hex('dd000f4240'), Buffer.alloc(1_000_000, 0xc0)])],
  ['bytes of 4 MiB', pack(Buffer.alloc(4 * 1024 * 1024))],
  ['text that is not UTF-8', hex('a4fffefdfc')],
  ['not a number', hex('cb7ff8000000000000')],
  ['infinity', hex('cb7ff0000000000000')],
  ['2^64 - 1', hex('cfffffffffffffffff')],
  ['- 2^63', hex('d38000000000000000')],
  ['a timestamp', hex('d6ff00000000')],
  ['an invalid timestamp', hex('c70cff3b9aca00ffffffffffffffff')],
  ['an error (extension 0x65)', hex('d465' + '93a55479706545a178c0')],
  ['a regular expression (extension 0x78)', hex('d478' + '92a728612b292b2461a167')],
  ['a set (extension 0x73)', hex('d473' + '93010203')],
  ['a typed array (extension 0x74)', hex('c70474' + '00010203')],
  ['a shared buffer (extension 0x69)', hex('d669' + '00000001' + '90')],
  ['a reference to itself (extension 0x70)', hex('d670' + '00000001')],
  ['a record (extension 0x72)', hex('d47240' + '92a161a162' + '0102')],
  ['an unknown extension', hex('d42a00')],
  ['bundled strings (extension 0x62)', hex('c7046200000001' + '90')],
  ['a map whose key is __proto__', hex('81a9' + '5f5f70726f746f5f5f' + '81a17401')],
  ['a map of maps as keys', hex('81' + '8101' + '02')],
  ['random bytes', hex('f3a1d94e0c77b25581e6c39a4cd07f2b')],
  ['JSON', Buffer.from('{"t":"renew","id":1}')],
  ['an unknown message', pack({ t: 'halt' })],
  ['a message without a type', pack({ id: 1 })],
  ['a type that is a list', pack({ t: ['renew'], id: 1 })],
  ['a type that is a property of every object', pack({ t: 'constructor' })],
  ['a list as a message', pack(['renew', 1])],
];

/** Values that are wrong for almost every field of a message. */
export const BAD_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 63n,
  '',
  '1',
  '__proto__',
  [],
  [[]],
  {},
  new Date(0),
  new Set([1]),
  /x/,
  Buffer.from([1]),
  new Array<number>(200_000).fill(0),
];
