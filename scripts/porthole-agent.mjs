#!/usr/bin/env node
// What `npx porthole-agent` runs in a checkout. npx links this file once and for all, so it must exist before a build does.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../dist/agent/porthole-agent.cjs', import.meta.url));
if (existsSync(bundle)) {
  // The agent sees itself as started directly: it finds its shim beside itself and starts itself anew by this path.
  process.argv[1] = bundle;
  createRequire(import.meta.url)(bundle);
} else {
  console.error('The agent is not built yet: npm run build');
  process.exitCode = 1;
}
