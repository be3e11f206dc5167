/**
 * GOARCH's word for a CPU, whatever people call it, as containerd reads platforms; undefined for a word that names none.
 * @param word in lower case, for example 'x86_64', 'aarch64', 'amd64'
 */
export const architectureOf = (word: string): string | undefined => words.get(word);

const own = ['386', 'amd64', 'arm', 'arm64', 'ppc64le', 's390x', 'riscv64', 'mips64le'];

const words: ReadonlyMap<string, string> = new Map([
  ...own.map((name) => [name, name] as const),
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['i386', '386'],
  ['aarch64', 'arm64'],
  ['armhf', 'arm'],
  ['armel', 'arm'],
]);
