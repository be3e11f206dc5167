/** Where an engine with root keeps its things. */
export const rootPlaces = { dataRoot: '/var/lib/porthole', execRoot: '/run/porthole' } as const;

/** Where an engine without root keeps its things, after the XDG base directory specification. */
export function rootlessPlaces(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): {
  readonly dataRoot: string;
  readonly execRoot: string;
} {
  const dataRoot = `${absolute(env['XDG_DATA_HOME']) ?? `${home}/.local/share`}/porthole`;
  const runtime = absolute(env['XDG_RUNTIME_DIR']);
  // Without a session there is no such directory: /tmp belongs to everybody, the data root to the user alone.
  return { dataRoot, execRoot: runtime === undefined ? `${dataRoot}/run` : `${runtime}/porthole` };
}

/** The specification: relative paths in these variables are to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined;
}
