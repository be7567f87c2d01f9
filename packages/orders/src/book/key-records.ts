/** Key pages as records: the page name in the record key, the page bytes in the value. */
import { FormatError, expectBytes } from '@trireme/domain';
import { seal, textKey, type RecordChange } from './codec.js';
import { KeyPage } from '../rules/book/key-pages.js';

/** The record of a page; an empty page is deleted. */
export function keyPageRecord(name: string, page: KeyPage): RecordChange {
  const key = textKey('keyPage', name);
  return { key, value: page.count === 0 ? null : seal(key, page.bytes) };
}

/** @throws FormatError if the value is not a non-empty key page. */
export function readKeyPage(value: unknown): KeyPage {
  const page = new KeyPage(expectBytes(value, 'key page'));
  if (page.count === 0) throw new FormatError('the key page is empty');
  return page;
}
