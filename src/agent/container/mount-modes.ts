import { invalid } from './errors.ts';

/** What may follow the destination in `-v SOURCE:DESTINATION:MODE`, separated by commas. */
export interface MountMode {
  readonly readOnly: boolean;
  readonly propagation?: string;
  readonly noCopy: boolean;
}

export const propagations: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];

/** Of each kind a mode may have one. Labels are SELinux's, consistency is for Macs: taken, and without effect here. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  access: ['ro', 'rw'],
  label: ['z', 'Z'],
  propagation: propagations,
  copy: ['nocopy'],
  consistency: ['consistent', 'cached', 'delegated'],
};

/** Undefined for what is no mode. '' is one. */
export function parseMode(mode: string): MountMode | undefined {
  const found = new Map<string, string>();
  for (const word of mode === '' ? [] : mode.split(',')) {
    const kind = Object.keys(kinds).find((name) => kinds[name]?.includes(word));
    if (kind === undefined || found.has(kind)) return undefined;
    found.set(kind, word);
  }
  const propagation = found.get('propagation');
  return {
    readOnly: found.get('access') === 'ro',
    noCopy: found.has('copy'),
    ...(propagation !== undefined && { propagation }),
  };
}

/** `--volumes-from NAME[:MODE]`: propagation and copying stay as the other container has them. */
export function parseVolumesFrom(text: string): { readonly container: string; readonly readOnly: boolean } {
  if (text === '') throw invalid('volumes-from specification cannot be an empty string');
  const colon = text.indexOf(':');
  const container = colon < 0 ? text : text.slice(0, colon);
  const mode = colon < 0 ? '' : text.slice(colon + 1);
  const parsed = parseMode(mode);
  if (!parsed || parsed.propagation !== undefined || parsed.noCopy) throw invalid(`invalid mode: ${mode}`);
  return { container, readOnly: parsed.readOnly };
}
