import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What `npm run build` makes. */
export const distDir = join(root, 'dist');
/** Downloads that survive builds; ignored by git. */
export const cacheDir = join(root, '.cache');
/** What the smoke test saw; ignored by git. */
export const screenshotsDir = join(root, '.screenshots');
