import { unsupportedSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';
import { atLeast } from './mounts.ts';
import { text } from './text.ts';

/**
 * Mount options of an overlay. Paths may hold any character.
 *
 * @param layers.upper absent together with `work`: an overlay that can only be read
 * @throws unsupported when they do not fit into the page that mount(2) takes, or this engine cannot stack layers
 */
export function overlayOptions(
  layers: { readonly lowers: readonly string[]; readonly upper?: string; readonly work?: string },
  host: HostFacts,
): string {
  if (host.rootless !== undefined && !atLeast(host, 5, 11)) {
    throw unsupportedSpec('overlay', 'stacking layers without root needs Linux 5.11 or newer');
  }
  const { lowers, upper, work } = layers;
  const data = [
    `lowerdir=${lowers.map(escapeLayer).join(':')}`,
    ...(upper === undefined ? [] : [`upperdir=${escapeOption(upper)}`]),
    ...(work === undefined ? [] : [`workdir=${escapeOption(work)}`]),
    // Whatever the kernel's defaults are: the upper directory alone must tell what the container changed.
    ...(host.rootless === undefined && atLeast(host, 4, 10) ? ['redirect_dir=off'] : []),
    ...(atLeast(host, 4, 13) ? ['index=off'] : []),
    ...(atLeast(host, 4, 19) ? ['metacopy=off'] : []),
    // Attributes of the name trusted.* are for root alone. With this one the kernel never redirects, and will not be told so.
    ...(host.rootless === undefined ? [] : ['userxattr']),
  ].join(',');
  if (text(data).length > longestOptions) {
    throw unsupportedSpec('overlay', `${lowers.length} layers need more mount options than a page holds`);
  }
  return data;
}

/** The attribute by which overlayfs knows a directory that hides what is below it. */
export function opaqueAttribute({ rootless }: { readonly rootless: boolean }): string {
  return rootless ? 'user.overlay.opaque' : 'trusted.overlay.opaque';
}

/** mount(2) takes one page of options, the last byte being NUL. */
const longestOptions = 4095;

/** A comma ends an option and a backslash takes away the meaning of the next character. */
const escapeOption = (path: string): string => path.replace(/[\\,]/g, (character) => `\\${character}`);
const escapeLayer = (path: string): string => path.replace(/[\\,:]/g, (character) => `\\${character}`);
