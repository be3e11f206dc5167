/** A path for the query of a URL: its bytes, percent-encoded. What stands for a byte that is not UTF-8 becomes that byte. */
export function encodePath(path: string): string {
  return path
    .split(/([\uDC80-\uDCFF])/u)
    .map((part, position) =>
      position % 2 === 0 ? encodeURIComponent(part) : `%${(part.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`,
    )
    .join('');
}
