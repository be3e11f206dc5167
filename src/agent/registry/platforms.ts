import { architectureOf } from '../oci/architectures.ts';
import type { Descriptor } from '../oci/image.ts';
import { brokenImage } from './errors.ts';

/** In GOARCH words, as images are labeled. */
export interface WantedPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** @param text as `linux/arm64/v8`, `arm64` or `linux`. @throws invalid */
export function parsePlatform(text: string, own: WantedPlatform): WantedPlatform {
  const parts = text.toLowerCase().split('/');
  const refused = (why: string) => brokenImage(`${JSON.stringify(text)}: ${why}: invalid argument`);
  for (const part of text.split('/')) {
    if (/^[A-Za-z0-9_-]+$/.test(part)) continue;
    throw brokenImage(
      `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument`,
    );
  }
  if (parts.length > 3) throw refused('cannot parse platform specifier');
  const [first = '', second, variant] = parts;
  if (second === undefined) {
    if (systems.has(first)) return { ...own, os: first };
    const cpu = normalized({ os: own.os, architecture: first });
    if (knownCpus.has(cpu.architecture)) return cpu;
    throw refused('unknown operating system or architecture');
  }
  return normalized({ os: first, architecture: second, ...(variant !== undefined && { variant }) });
}

/** What a word alone may mean. */
const systems = new Set(['linux', 'windows', 'darwin', 'freebsd']);
const knownCpus = new Set([
  ...['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips', 'mipsle', 'mips64', 'mips64le'],
  ...['ppc64', 'ppc64le', 'riscv64', 's390x', 'wasm'],
]);

/** As `linux/arm/v7`. */
export const platformText = ({ os, architecture, variant }: WantedPlatform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** The image of an index that suits a machine best: its own variant, else the best older one that its CPU runs too. */
export function bestFor(wanted: WantedPlatform, manifests: readonly Descriptor[]): Descriptor | undefined {
  for (const suitable of runnable(normalized(wanted))) {
    const found = manifests.find(({ platform, annotations }) => {
      if (!platform || annotations?.['vnd.docker.reference.type'] !== undefined) return false;
      return platformText(normalized(platform)) === platformText(suitable);
    });
    if (found) return found;
  }
  return undefined;
}

/** What a CPU runs, the best first. */
function runnable(wanted: WantedPlatform): WantedPlatform[] {
  const { os, architecture, variant = '' } = wanted;
  const number = Number(variant.slice(1));
  const down = (to: number): WantedPlatform[] =>
    Array.from({ length: Math.max(0, number - to + 1) }, (_, step) => ({
      os,
      architecture,
      variant: `v${number - step}`,
    }));
  if (architecture === 'arm' && number >= 5 && number <= 8) return down(5);
  if (architecture === 'amd64' && number >= 2 && number <= 4) return [...down(2), { os, architecture }];
  return [wanted];
}

/** Other words for the same, and variants that are the usual one, as containerd reads them. */
export function normalized({ os, architecture, variant = '' }: WantedPlatform): WantedPlatform {
  const cpu = architectureOf(architecture.toLowerCase()) ?? architecture.toLowerCase();
  let kind = variant.toLowerCase();
  if (/^\d+$/.test(kind)) kind = `v${kind}`;
  if (cpu === 'arm64' && kind === 'v8') kind = '';
  if (cpu === 'amd64' && kind === 'v1') kind = '';
  if (cpu === 'arm' && kind === '') kind = architecture.toLowerCase() === 'armel' ? 'v6' : 'v7';
  return { os: os.toLowerCase(), architecture: cpu, ...(kind !== '' && { variant: kind }) };
}
