/** The product's version; a test compares it with package.json's. */
export const productVersion = '0.1.0';

/** Version of what lies under /porthole/v1: raised when a client must know the difference. */
export const portholeProtocol = 1;

/** Docker Engine API versions that the agent serves. */
export const dockerApi = { newest: '1.47', oldest: '1.24' } as const;
