import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { examineCertificate, isWarningDue, refuseRenewal, type CertificateFacts } from './certificate.js';
import { UsageError } from './usage.js';

const DAY_MS = 86_400_000;

const IN_USE: CertificateFacts = {
  name: 'replica-1',
  notBefore: 0,
  notAfter: 100 * DAY_MS,
  authorityNotAfter: 1_000 * DAY_MS,
};

test('a renewed certificate is of the same process, and valid', () => {
  const now = 50 * DAY_MS;
  const renewed = { ...IN_USE, notAfter: 200 * DAY_MS };
  assert.is(refuseRenewal(renewed, IN_USE, now), null);
  assert.match(refuseRenewal({ ...renewed, name: 'replica-2' }, IN_USE, now) ?? '', /"replica-2"/);
  assert.match(
    refuseRenewal({ ...renewed, notBefore: 60 * DAY_MS }, IN_USE, now) ?? '',
    /not valid before 1970-03-02/,
  );
  assert.match(
    refuseRenewal({ ...renewed, notAfter: 40 * DAY_MS }, IN_USE, now) ?? '',
    /expired on 1970-02-10/,
  );
  assert.match(refuseRenewal({ ...renewed, authorityNotAfter: 40 * DAY_MS }, IN_USE, now) ?? '', /expired/);
  // One that has ended is no worse than one that ended before.
  const late = 300 * DAY_MS;
  assert.is(refuseRenewal(renewed, IN_USE, late), null);
});

test('the end is warned of as of thirty days before it, once a day, also when the clock goes back', () => {
  const end = 100 * DAY_MS;
  const never = Number.NEGATIVE_INFINITY;
  assert.not(isWarningDue(end, 69 * DAY_MS, never));
  assert.ok(isWarningDue(end, 71 * DAY_MS, never));
  assert.not(isWarningDue(end, 71.5 * DAY_MS, 71 * DAY_MS));
  assert.ok(isWarningDue(end, 72 * DAY_MS, 71 * DAY_MS));
  assert.ok(isWarningDue(end, 101 * DAY_MS, 90 * DAY_MS));
  assert.ok(isWarningDue(end, 80 * DAY_MS, 90 * DAY_MS));
});

test('what is no certificate is refused by name', () => {
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  for (const [material, why] of [
    [{ ca: '', cert: '', key: '' }, /the certificate is not PEM/],
    [{ ca: '', cert: damaged, key: '' }, /the certificate is damaged/],
    [{ ca: damaged, cert: '', key: '' }, /the authority is damaged/],
  ] as const) {
    assert.throws(
      () => examineCertificate(material),
      (error: unknown) => error instanceof UsageError && why.test(error.message),
    );
  }
});

test.run();
