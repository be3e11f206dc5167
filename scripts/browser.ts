import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where Linux distributions put Chromium and its kin. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
];

/** The browser that drives tests, or undefined. `PORTHOLE_CHROMIUM` names another one. */
export function findChromium(): string | undefined {
  return [process.env['PORTHOLE_CHROMIUM'] ?? '', ...places].find((path) => path !== '' && existsSync(path));
}

/** Starts a headless Chromium with a fresh profile that talks to nobody but the pages it opens. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('Chromium is missing (Debian: apt-get install chromium)');
  return chromium.launch({
    executablePath,
    // The sandbox refuses to run as root.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
