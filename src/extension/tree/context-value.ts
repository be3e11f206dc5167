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
 * a host: 'local' or 'ssh'). A container of which a port is published ends with that word.
 */
export function contextValue(kind: RowKind, state: string, engine: string, trait?: 'published'): string {
  return [kind, state, engine, trait].filter(Boolean).join('.');
}
