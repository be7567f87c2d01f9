/** Pages of keys as records: their name in the key, their bytes in the value. */
import { FormatError, asBytes } from '@trireme/domain';
import { seal, textKey, type RecordChange } from './records.js';
import { KeyPage } from './rules/key-pages.js';

/** A page as a record; one that has no keys any more goes. */
export function keyPageRecord(name: string, page: KeyPage): RecordChange {
  const key = textKey('keyPage', name);
  return { key, value: page.count === 0 ? null : seal(key, page.bytes) };
}

/** @throws FormatError if the value is no page with keys. */
export function readKeyPage(value: unknown): KeyPage {
  const page = new KeyPage(asBytes(value, 'page of keys'));
  if (page.count === 0) throw new FormatError('a page without keys');
  return page;
}
