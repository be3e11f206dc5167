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

/** Lines of a key followed by name=number pairs: one map per line. */
export function nestedKeyed(text: string | undefined): ReadonlyMap<string, number>[] {
  return (text ?? '')
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => {
      const pairs = line.split(' ').filter((word) => word.includes('='));
      return new Map(
        pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), Number(pair.slice(pair.indexOf('=') + 1))]),
      );
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

/** blkio files: lines of 'MAJOR:MINOR Read 123', all devices added up. */
export function sumOf(text: string | undefined, direction: 'Read' | 'Write'): number {
  let sum = 0;
  for (const line of (text ?? '').split('\n')) {
    const [, word, value] = line.split(' ');
    if (word === direction) sum += Number(value ?? 0);
  }
  return sum;
}
