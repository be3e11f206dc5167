/** Given by a build that is to be another version than this one: what a test of upgrades needs. */
declare const PORTHOLE_VERSION: string | undefined;

/** The product's version; a test compares it with package.json's. */
export const productVersion = typeof PORTHOLE_VERSION === 'string' ? PORTHOLE_VERSION : '0.1.0';

/** True when version `a` came after `b`, as numbers between dots; what is no number counts as 0. */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Version of what lies under /porthole/v1: raised when a client must know the difference. */
export const portholeProtocol = 1;

/** Docker Engine API versions that the agent serves. */
export const dockerApi = { newest: '1.47', oldest: '1.24' } as const;
