/** The forms of cgroup files. See "Interface File Formats" of the kernel's cgroup-v2 document. */

/** Lines of a name and a number. */
export function flatKeyed(text: string | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of (text ?? '').split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) found.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return found;
}

/** Lines of a key followed by name=number pairs; what is no number ('max') reads as NaN. */
export function nestedKeyed(
  text: string | undefined,
): { readonly key: string; readonly values: ReadonlyMap<string, number> }[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [key = '', ...pairs] = line.split(' ').filter((word) => word !== '');
    if (key === '') return [];
    const values = pairs.map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), Number(pair.slice(equals + 1))] as const;
    });
    return [{ key, values: new Map(values) }];
  });
}

/** The number of a file that holds one; undefined for a missing file or another content. */
export function numberIn(text: string | undefined): number | undefined {
  const number = Number.parseInt(text ?? '', 10);
  return Number.isNaN(number) ? undefined : number;
}

/** Undefined means unlimited: 'max' on v2, and on v1 the largest multiple of the page size (2^63 - 4096). */
export function limitOf(text: string | undefined): number | undefined {
  const number = numberIn(text);
  return number === undefined || number >= unlimitedV1 ? undefined : number;
}

const unlimitedV1 = 0x7fff_ffff_f000_0000;
