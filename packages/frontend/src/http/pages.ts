/** Lists as JSON, page by page. */

/**
 * `{"data":[...],"next":...}` of rows that are JSON already.
 * @param next where to go on, null at the end
 */
export function pageJson<Row>(
  rows: readonly Row[],
  next: string | number | null,
  rowJson: (row: Row) => string,
): string {
  return `{"data":[${rows.map(rowJson).join(',')}],"next":${JSON.stringify(next)}}`;
}
