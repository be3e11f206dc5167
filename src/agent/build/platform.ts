import { PortholeError } from '../../base/errors.ts';
import { architectureOf } from '../oci/architectures.ts';
import { ownPlatform } from '../store/disk-store.ts';

export interface BuildPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** The words of GOOS. */
const systems = new Set(
  'aix android darwin dragonfly freebsd hurd illumos js linux nacl netbsd openbsd plan9 solaris windows zos'.split(' '),
);

/** 'linux', 'linux/amd64', 'arm64/v8'; undefined for ''. @throws invalid or unsupported in dockerd's words */
export function parsePlatform(text: string): BuildPlatform | undefined {
  if (text === '') return undefined;
  const parts = text.toLowerCase().split('/');
  const [first = ''] = parts;
  const known = architectureOf(first);
  const [os, cpu, variant] = known === undefined ? parts : ['linux', ...parts];
  if (parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    throw new PortholeError(
      'invalid',
      `${JSON.stringify(text)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument`,
    );
  }
  if (parts.length > 3) {
    throw new PortholeError('invalid', `${JSON.stringify(text)}: cannot parse platform specifier: invalid argument`);
  }
  if (parts.length === 1 && known === undefined && !systems.has(first)) {
    throw new PortholeError(
      'invalid',
      `${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`,
    );
  }
  if (os !== 'linux') throw new PortholeError('unsupported', 'operating system is not supported');
  const architecture = cpu === undefined ? machine() : (architectureOf(cpu) ?? cpu);
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

const machine = (): string => ownPlatform().architecture;

/** What BuildKit predefines for those who declare it. */
export function platformArgs(target: BuildPlatform | undefined): Readonly<Record<string, string>> {
  const own: BuildPlatform = { os: 'linux', architecture: machine() };
  const of = (prefix: string, { os, architecture, variant }: BuildPlatform) => ({
    [`${prefix}PLATFORM`]: [os, architecture, ...(variant === undefined ? [] : [variant])].join('/'),
    [`${prefix}OS`]: os,
    [`${prefix}ARCH`]: architecture,
    [`${prefix}VARIANT`]: variant ?? '',
  });
  return { ...of('BUILD', own), ...of('TARGET', target ?? own) };
}
