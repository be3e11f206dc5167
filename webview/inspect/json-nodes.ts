/** One value of a JSON document, where it is. */
export interface JsonNode {
  /** As JSONPath writes it (RFC 9535): `$.Config.Labels["a.b"]`, `$.Mounts[0]`. */
  readonly path: string;
  /** Key in an object, number in a list. */
  readonly name: string;
  readonly value: unknown;
  /** 1 for what stands at the top. */
  readonly level: number;
  /** Of those beside it. */
  readonly position: number;
  readonly count: number;
  /** Index of the object or list that it is in; -1 at the top. */
  readonly parent: number;
  /** It is in a list: its name is a number that nobody looks for. */
  readonly numbered: boolean;
}

/** Everything in a document, each object and list followed by what is in it. */
export function nodesOf(root: unknown): readonly JsonNode[] {
  const nodes: JsonNode[] = [];
  // No recursion: a document may be deeper than the stack.
  const waiting = inside(root, { path: '$', level: 0, index: -1 }).reverse();
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const index = nodes.push(node) - 1;
    for (const child of inside(node.value, { ...node, index }).reverse()) waiting.push(child);
  }
  return nodes;
}

function inside(value: unknown, parent: { path: string; level: number; index: number }): JsonNode[] {
  const numbered = Array.isArray(value);
  const entries = sizeOf(value) === undefined ? [] : Object.entries(Object(value));
  return entries.map(([name, child], at) => ({
    path: `${parent.path}${numbered ? `[${name}]` : member(name)}`,
    name,
    value: child,
    level: parent.level + 1,
    position: at + 1,
    count: entries.length,
    parent: parent.index,
    numbered,
  }));
}

const member = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

/** How many values an object or a list holds; undefined for whatever holds none by its kind. */
export function sizeOf(value: unknown): number | undefined {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

/** Indices of the values whose key or text has the words, case aside. '' finds nothing. */
export function find(nodes: readonly JsonNode[], text: string): readonly number[] {
  const wanted = text.toLowerCase();
  if (wanted === '') return [];
  return nodes.flatMap(({ name, numbered, value }, index) => {
    const own = numbered ? '' : name.toLowerCase();
    const said = sizeOf(value) === undefined ? String(value).toLowerCase() : '';
    return own.includes(wanted) || said.includes(wanted) ? [index] : [];
  });
}

/** Indices of what a value is in, the innermost first. */
export function above(nodes: readonly JsonNode[], index: number): readonly number[] {
  const found: number[] = [];
  for (let at = nodes[index]?.parent ?? -1; at >= 0; at = nodes[at]?.parent ?? -1) found.push(at);
  return found;
}

/** What was found, what it is in, and what is in it. */
export function around(nodes: readonly JsonNode[], found: readonly number[]): ReadonlySet<number> {
  const kept = new Set(found);
  for (const [index, { parent }] of nodes.entries()) if (kept.has(parent)) kept.add(index);
  for (const index of found) for (const one of above(nodes, index)) kept.add(one);
  return kept;
}

const turns = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A value in one line: control characters and those that turn the direction of a line are shown as what they are. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return escaped(text);
}

export const escaped = (text: string): string =>
  text.replace(turns, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
