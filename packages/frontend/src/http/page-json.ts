/** JSON of one page of a list. */

/**
 * `{"data":[...],"next":...}`.
 * @param next cursor of the next page, null at the end.
 * @param rowJson serializes one row.
 */
export function pageJson<Row>(
  rows: readonly Row[],
  next: string | number | null,
  rowJson: (row: Row) => string,
): string {
  return `{"data":[${rows.map(rowJson).join(',')}],"next":${JSON.stringify(next)}}`;
}
