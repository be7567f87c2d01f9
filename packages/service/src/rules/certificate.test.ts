import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCertificate, isWarningDue, renewalProblem, type CertificateInfo } from './certificate.js';
import { UsageError } from './usage-error.js';

const DAY_MS = 86_400_000;

const IN_USE: CertificateInfo = {
  name: 'replica-1',
  notBefore: 0,
  notAfter: 100 * DAY_MS,
  authorityNotAfter: 1_000 * DAY_MS,
};

test('renewalProblem accepts only a valid certificate with the same name', () => {
  const now = 50 * DAY_MS;
  const renewed = { ...IN_USE, notAfter: 200 * DAY_MS };
  assert.is(renewalProblem(renewed, IN_USE, now), null);
  assert.match(renewalProblem({ ...renewed, name: 'replica-2' }, IN_USE, now) ?? '', /"replica-2"/);
  assert.match(
    renewalProblem({ ...renewed, notBefore: 60 * DAY_MS }, IN_USE, now) ?? '',
    /not valid before 1970-03-02/,
  );
  assert.match(
    renewalProblem({ ...renewed, notAfter: 40 * DAY_MS }, IN_USE, now) ?? '',
    /expired on 1970-02-10/,
  );
  assert.match(renewalProblem({ ...renewed, authorityNotAfter: 40 * DAY_MS }, IN_USE, now) ?? '', /expired/);
  // An expired certificate may replace one that expired earlier.
  const late = 300 * DAY_MS;
  assert.is(renewalProblem(renewed, IN_USE, late), null);
});

test('isWarningDue is true once a day from 30 days before the expiry, also if the clock goes back', () => {
  const end = 100 * DAY_MS;
  const never = Number.NEGATIVE_INFINITY;
  assert.not(isWarningDue(end, 69 * DAY_MS, never));
  assert.ok(isWarningDue(end, 71 * DAY_MS, never));
  assert.not(isWarningDue(end, 71.5 * DAY_MS, 71 * DAY_MS));
  assert.ok(isWarningDue(end, 72 * DAY_MS, 71 * DAY_MS));
  assert.ok(isWarningDue(end, 101 * DAY_MS, 90 * DAY_MS));
  assert.ok(isWarningDue(end, 80 * DAY_MS, 90 * DAY_MS));
});

test('checkCertificate names the invalid file', () => {
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  for (const [material, why] of [
    [{ ca: '', cert: '', key: '' }, /the certificate is not PEM/],
    [{ ca: '', cert: damaged, key: '' }, /the certificate is damaged/],
    [{ ca: damaged, cert: '', key: '' }, /the authority is damaged/],
  ] as const) {
    assert.throws(
      () => checkCertificate(material),
      (error: unknown) => error instanceof UsageError && why.test(error.message),
    );
  }
});

test.run();
