/** Reads a table of system calls written as words of the form name=number. */
export function parseNumbers(text: string): ReadonlyMap<string, number> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return new Map(
    words.map((word) => {
      const equals = word.indexOf('=');
      return [word.slice(0, equals), Number(word.slice(equals + 1))];
    }),
  );
}
