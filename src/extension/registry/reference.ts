/** Names of images as people type them. Pure. */

/** The repository and the tag, 'latest' where there is none, of a name without a digest. */
export function splitReference(name: string): { repo: string; tag: string } {
  const colon = name.lastIndexOf(':');
  // A colon before the last slash belongs to a registry's port.
  if (colon <= name.lastIndexOf('/')) return { repo: name, tag: 'latest' };
  return { repo: name.slice(0, colon), tag: name.slice(colon + 1) };
}

/** What can be a name, as far as it can be told without the engine. */
export const isReference = (typed: string): boolean => /^\S+$/.test(typed.trim());
