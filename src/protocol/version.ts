/** Given by a build that is to be another version than this one: what a test of upgrades needs. */
declare const PORTHOLE_VERSION: string | undefined;

/** The product's version; a test compares it with package.json's. */
export const productVersion = typeof PORTHOLE_VERSION === 'string' ? PORTHOLE_VERSION : '0.1.0';

/** Version of what lies under /porthole/v1: raised when a client must know the difference. */
export const portholeProtocol = 1;

/** Docker Engine API versions that the agent serves. */
export const dockerApi = { newest: '1.47', oldest: '1.24' } as const;
