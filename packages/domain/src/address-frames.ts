/** Parsers of the address frames that replicas send to front-ends and catalogs. */
import { CATALOGS_MAX, isCatalogId } from './command.js';
import { FormatError } from './errors.js';
import { expectInteger, expectList, expectText } from './guards.js';
import type { CatalogWire, MembershipFrame } from './protocol.js';

/** Maximum number of members of a group. */
export const MEMBERS_MAX = 15;

type Frame = Readonly<Record<string, unknown>>;

/** @throws FormatError if it is not a valid `members` frame. */
export function parseMembersFrame(frame: Frame): MembershipFrame {
  const items = expectList(frame['items'], 'items');
  if (items.length > MEMBERS_MAX) throw new FormatError(`more than ${MEMBERS_MAX} members`);
  return {
    t: 'members',
    index: expectInteger(frame['index'], 'index'),
    items: items.map((item) => {
      const [id, url] = expectList(item, 'member');
      return [expectText(id, 'id'), asUrlOrNull(url)];
    }),
  };
}

/** Parses the items of a `catalogs` frame. @throws FormatError if they are invalid. */
export function parseCatalogItems(value: unknown): readonly CatalogWire[] {
  const items = expectList(value, 'items');
  if (items.length > CATALOGS_MAX) throw new FormatError(`more than ${CATALOGS_MAX} catalogs`);
  return items.map((item) => {
    const [id, url] = expectList(item, 'catalog');
    if (!isCatalogId(id)) throw new FormatError('invalid catalog id');
    return [id, asUrlOrNull(url)];
  });
}

/** Parses the URL of an internal port. @throws FormatError if it is not an http or https URL. */
export function parseUrl(value: unknown): string {
  const url = expectText(value, 'url');
  if (URL.canParse(url) && /^https?:/.test(url)) return url;
  throw new FormatError('url is not an http or https URL');
}

function asUrlOrNull(value: unknown): string | null {
  return value === null ? null : parseUrl(value);
}
