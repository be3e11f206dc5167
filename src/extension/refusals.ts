/** What an engine refused: dockerd, Podman and our own agent have much the same words for it. */
export type Refusal =
  /** `holder` is the id of the container that has the name. */
  | { readonly kind: 'name-taken'; readonly name: string; readonly holder: string }
  | { readonly kind: 'no-image' }
  | { readonly kind: 'not-running' }
  | { readonly kind: 'no-program' }
  /** A registry wants to know who asks. */
  | { readonly kind: 'denied' };

/** Undefined for what nothing more is known about. Pure. */
export function refusalOf(words: string): Refusal | undefined {
  const taken = /container name "\/?([^"]+)" is already in use by (?:container )?"?([0-9a-f]{12,64})/.exec(words);
  if (taken) return { kind: 'name-taken', name: taken[1] ?? '', holder: taken[2] ?? '' };
  if (/no such image|image not known/i.test(words)) return { kind: 'no-image' };
  if (/is not running|on running containers/i.test(words)) return { kind: 'not-running' };
  if (/executable file not found|exec: .*no such file or directory/i.test(words)) return { kind: 'no-program' };
  if (/unauthorized|authentication required|access .*denied|denied:|no basic auth credentials/i.test(words)) {
    return { kind: 'denied' };
  }
  return undefined;
}
