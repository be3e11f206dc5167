import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { commandIds } from '../../../../src/extension/commands/rows.ts';
import { activated } from './extension.ts';

describe('The extension in VS Code', () => {
  it('registers every command of the table', async () => {
    await activated();
    const known = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      commandIds.filter((id) => !known.has(id)),
      [],
    );
  });

  it('shows this machine among the hosts', async () => {
    const { api } = await activated();
    const rows = api.views.hosts.getChildren();
    assert.equal(rows[0]?.hostId, 'local');
  });
});
