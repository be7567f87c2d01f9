/** Checks of the frames that tell where processes are: replicas send them to front-ends and to catalogs. */
import { CATALOGS_MAX, isCatalogId } from './command.js';
import { FormatError } from './errors.js';
import { asInteger, asList, asText } from './guards.js';
import type { CatalogWire, MembersFrame } from './protocol.js';

/** Members of a group at most. */
export const MEMBERS_MAX = 15;

type Frame = Readonly<Record<string, unknown>>;

/** @throws FormatError if it is not a `members` frame. */
export function asMembersFrame(frame: Frame): MembersFrame {
  const items = asList(frame['items'], 'items');
  if (items.length > MEMBERS_MAX) throw new FormatError(`more than ${MEMBERS_MAX} members`);
  return {
    t: 'members',
    index: asInteger(frame['index'], 'index'),
    items: items.map((item) => {
      const [id, url] = asList(item, 'member');
      return [asText(id, 'id'), asUrlOrNull(url)];
    }),
  };
}

/** The items of a `catalogs` frame. @throws FormatError if they are none. */
export function asCatalogItems(value: unknown): readonly CatalogWire[] {
  const items = asList(value, 'items');
  if (items.length > CATALOGS_MAX) throw new FormatError(`more than ${CATALOGS_MAX} catalogs`);
  return items.map((item) => {
    const [id, url] = asList(item, 'catalog');
    if (!isCatalogId(id)) throw new FormatError('the id of a catalog is not valid');
    return [id, asUrlOrNull(url)];
  });
}

/** Url of an internal port. @throws FormatError if it is none. */
export function asHttpUrl(value: unknown): string {
  const url = asText(value, 'url');
  if (URL.canParse(url) && /^https?:/.test(url)) return url;
  throw new FormatError('the url of a process is none');
}

function asUrlOrNull(value: unknown): string | null {
  return value === null ? null : asHttpUrl(value);
}
