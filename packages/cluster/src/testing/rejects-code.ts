/** Asserts that a promise is rejected with a ClusterError, for tests. */
import * as assert from 'uvu/assert';
import { ClusterError, type ClusterErrorCode } from '../errors.js';

export async function rejectsCode(
  work: Promise<unknown>,
  code: ClusterErrorCode,
  message: RegExp,
): Promise<void> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.instance(error, ClusterError);
  assert.is((error as ClusterError).code, code);
  assert.match((error as ClusterError).message, message);
}
