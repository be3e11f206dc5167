import ignore from '@balena/dockerignore';

/** Tells which paths of a context are left out, by the rules of `.dockerignore`; paths are relative, with slashes. */
export function ignoreMatcher(text: string): (path: string) => boolean {
  const patterns = ignore({ ignorecase: false }).add(text.replace(/^\uFEFF/, ''));
  return (path) => patterns.ignores(path);
}

/** The files that may hold the patterns for a Dockerfile, the first that is there counts. */
export const ignoreFilesOf = (dockerfile: string): readonly string[] => [`${dockerfile}.dockerignore`, '.dockerignore'];
