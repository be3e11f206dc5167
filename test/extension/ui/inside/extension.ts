import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { PortholeApi } from '../../../../src/extension/extension.ts';

/** The extension under test, activated. */
export async function activated(): Promise<{ api: PortholeApi; extension: vscode.Extension<PortholeApi> }> {
  const extension = vscode.extensions.getExtension<PortholeApi>('porthole.porthole');
  assert.ok(extension, 'the extension is installed');
  const api = await extension.activate();
  await api.ready;
  return { api, extension };
}

/** Waits for a condition, looking often; fails with its name. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  milliseconds = 30_000,
): Promise<T> {
  const limit = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > limit) throw new Error(`Waited ${milliseconds} ms in vain: ${what}`);
    await pause(25);
  }
}

/** Changes the user's settings; what is undefined goes back to the default. */
export async function settings(values: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    await vscode.workspace.getConfiguration('porthole').update(name, value, vscode.ConfigurationTarget.Global);
  }
}
