/**
 * The hosts that an ssh_config(5) names, for a picker: every Host pattern without wildcards or negation, in order, once.
 * What the names mean is left to the connection, which reads the configuration as ssh does.
 */
export function hostNames(config: string): string[] {
  const names = config.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*host(?:\s+|\s*=\s*)(.+?)\s*$/i.exec(line);
    return match?.[1]?.replace(/\s#.*$/, '').match(/"[^"]*"|\S+/g) ?? [];
  });
  const plain = names.map((name) => name.replaceAll('"', '')).filter((name) => name !== '' && !/[*?!]/.test(name));
  return [...new Set(plain)];
}
