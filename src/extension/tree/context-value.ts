/** What a row is of: the first word of its context value, and what commands act on. */
export type RowKind = (typeof rowKinds)[number];

export const rowKinds = [
  'group',
  'host',
  'container',
  'image',
  'layer',
  'file',
  'part',
  'fact',
  'made',
  'volume',
  'section',
  'process',
  'exec',
  'gauge',
  'network',
  'namespace',
  'mount',
  'difference',
  'entry',
  'note',
] as const;

/**
 * What a tree item carries as `contextValue`, for the `when` clauses of menus: its kind, its state, and its engine (for
 * a host: 'local' or 'ssh').
 */
export function contextValue(kind: RowKind, state: string, engine: string): string {
  return `${kind}.${state}.${engine}`;
}
