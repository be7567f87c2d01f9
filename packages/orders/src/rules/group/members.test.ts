/** Member ids, addresses, and requests to change the group. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, TriremeError } from '@trireme/domain';
import { asHttpUrl, formatAddress, parseAddress } from './addresses.js';
import {
  refuseLeaderRemoval,
  parseMembershipChange,
  parseSnapshot,
  parseTransfer,
} from './membership-requests.js';
import { MemberAddresses } from './member-addresses.js';
import { checkReplicaName, nameOfMember, newMemberId } from './member-ids.js';

const PEER = 'http://10.0.0.4:8201';
const URL_4 = 'http://10.0.0.4:8191';

const isFormat = (error: unknown): boolean => error instanceof FormatError;
const refusedAs = (status: string) => (error: unknown) =>
  error instanceof TriremeError && error.status === status;

test('newMemberId makes another id of the same replica; a replica name never looks like one', () => {
  const id = newMemberId('2', Buffer.from([0x5f, 0x0c, 0x9a, 0x31]));
  assert.is(id, '2.5f0c9a31');
  assert.is(nameOfMember(id), '2');
  assert.is(nameOfMember('2'), '2');
  assert.is(nameOfMember('east.2'), 'east.2');
  for (const name of ['2', 'east.2', 'a-b_c']) checkReplicaName(name);
  for (const name of ['', '2.5f0c9a31', 'two words', 'x'.repeat(56)]) {
    assert.throws(() => checkReplicaName(name), isFormat, name);
  }
  assert.ok(newMemberId('x'.repeat(55), Buffer.alloc(4)).length <= 64, 'within the limit of a member id');
});

test('parseAddress reads one or two URLs; anything else is null', () => {
  for (const address of [
    { peerUrl: PEER, url: URL_4 },
    { peerUrl: PEER, url: null },
  ]) {
    assert.equal(parseAddress(formatAddress(address)), address);
  }
  for (const text of ['', 'x', `${PEER} ${URL_4} ${URL_4}`, `${PEER} x`, `${PEER}  `]) {
    assert.is(parseAddress(text), null, text);
  }
  assert.is(asHttpUrl(PEER, 'it'), PEER);
  for (const bad of [7, '', 'ftp://x', 'http://a b', `http://${'x'.repeat(255)}`, 'http://[']) {
    assert.throws(() => asHttpUrl(bad, 'it'), isFormat);
  }
});

test('resolve: a flag beats the address in the log, and a later address in the log beats the flag', () => {
  const [moved, movedUrl] = ['http://10.0.0.9:8201', 'http://10.0.0.9:8191'];
  const logged = `${PEER} ${URL_4}`;
  const addresses = new MemberAddresses(
    new Map([
      ['2', { peerUrl: moved, url: movedUrl }],
      ['3', { peerUrl: moved, url: null }],
      ['5', { peerUrl: PEER, url: null }],
    ]),
  );
  assert.equal(addresses.resolve('2', logged), { peerUrl: moved, url: movedUrl });
  assert.equal(
    addresses.resolve('2.5f0c9a31', logged),
    { peerUrl: moved, url: movedUrl },
    'any member of replica 2',
  );
  assert.equal(addresses.resolve('2', 'nonsense'), { peerUrl: moved, url: movedUrl });
  const later = 'http://10.0.0.7:8201';
  assert.equal(addresses.resolve('2.00c9a315', later), { peerUrl: later, url: null });
  assert.equal(addresses.resolve('2', logged), { peerUrl: moved, url: movedUrl });
  assert.equal(
    addresses.resolve('3', logged),
    { peerUrl: moved, url: null },
    'its internal port has moved too',
  );
  assert.equal(addresses.resolve('5', logged), { peerUrl: PEER, url: URL_4 });
  assert.equal(addresses.resolve('4', logged), { peerUrl: PEER, url: URL_4 }, 'no flag names it');
  assert.is(addresses.resolve('4', ''), null);
  assert.equal(
    [...addresses.founders(['2', '4', '5'])],
    [
      ['2', `${moved} ${movedUrl}`],
      ['5', PEER],
    ],
  );
});

test('parseChange reads all parts of a change', () => {
  const parts = [
    { type: 'addLearner', id: '4', peerUrl: PEER, url: URL_4 },
    { type: 'addVoter', id: '2.5f0c9a31' },
    { type: 'remove', id: '3' },
  ];
  const change = [
    { type: 'addLearner', id: '4', address: `${PEER} ${URL_4}` },
    { type: 'addVoter', id: '2.5f0c9a31' },
    { type: 'remove', id: '3' },
  ];
  assert.equal(parseMembershipChange({ change: parts }), { change, force: false });
  assert.equal(parseMembershipChange({ change: parts, force: true }), { change, force: true });
});

const BAD_CHANGES: readonly unknown[] = [
  null,
  {},
  { change: [] },
  { change: new Array(17).fill({ type: 'remove', id: '3' }) },
  { change: ['remove'] },
  { change: [{ type: 'remove' }] },
  { change: [{ type: 'remove', id: 'two words' }] },
  { change: [{ type: 'grow', id: '3' }] },
  { change: [{ type: 'addLearner', id: '3', peerUrl: 'x', url: URL_4 }] },
  { change: [{ type: 'addLearner', id: '3', peerUrl: PEER }] },
  { change: [{ type: 'remove', id: '3' }], force: 'yes' },
];

for (const body of BAD_CHANGES) {
  test(`parseChange rejects ${JSON.stringify(body).slice(0, 80)}`, () => {
    assert.throws(() => parseMembershipChange(body), refusedAs('INVALID_REQUEST'));
  });
}

test('parseTransfer reads the successor, or null if there is none', () => {
  assert.is(parseTransfer({ to: '2' }), '2');
  assert.is(parseTransfer({}), null);
  assert.is(parseTransfer({ to: null }), null);
  for (const bad of [null, { to: 7 }]) assert.throws(() => parseTransfer(bad), refusedAs('INVALID_REQUEST'));
});

test('checkChange refuses to let the leader remove itself', () => {
  refuseLeaderRemoval(
    [
      { type: 'addVoter', id: '1', address: PEER },
      { type: 'remove', id: '2' },
    ],
    '1',
  );
  assert.throws(() => refuseLeaderRemoval([{ type: 'remove', id: '1' }], '1'), refusedAs('BAD_MEMBERSHIP'));
});

test('parseSnapshot reads the number of entries to keep, or null', () => {
  assert.is(parseSnapshot({ keep: 100 }), 100);
  assert.is(parseSnapshot({ keep: 0 }), 0);
  for (const none of [{}, { keep: null }]) assert.is(parseSnapshot(none), null);
  for (const bad of [null, 7, { keep: -1 }, { keep: 1.5 }, { keep: '1' }, { keep: 2 ** 53 }])
    assert.throws(() => parseSnapshot(bad), refusedAs('INVALID_REQUEST'));
});

test.run();
