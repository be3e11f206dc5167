/** The files of one cgroup. */
export interface FileReader {
  readonly version: 1 | 2;
  /** A file's text; undefined when the cgroup has no such file, or is not in that controller (which only v1 asks for). */
  file(controller: string, name: string): Promise<string | undefined>;
}

/** A property that is left out when there is no value: `exactOptionalPropertyTypes` tells the two apart. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  const found: { [P in K]?: V } = {};
  if (value !== undefined) found[key] = value;
  return found;
}
