import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentPlaces } from '../../../scripts/local-agent.ts';
import type { Places } from '../places.ts';
import type { Row } from '../rows.ts';
import { bundleRow, hostFigures, hostRows } from './host-rows.ts';
import { withStock } from './stock.ts';
import { stormRows } from './storm-rows.ts';
import { eventRows, paintRows } from './tree-rows.ts';
import { inWindow } from './window.ts';

export interface ExplorerOptions {
  /** For what is made. */
  readonly dir: string;
  readonly agent: AgentPlaces;
}

/** The explorer in a real VS Code, with a full host behind a real sshd. */
export async function explorerRows(places: Places, { dir, agent }: ExplorerOptions): Promise<Row[]> {
  const { signal, agentPid } = places;
  const [bare, full] = [join(dir, 'bare'), join(dir, 'full')];
  for (const made of [bare, full]) await mkdir(made, { recursive: true });
  const without = await inWindow({ dir: bare, signal }, (window) => hostFigures(window, agentPid));
  return withStock(places, dir, (stock) =>
    inWindow({ dir: full, agent, signal }, async (window) => {
      const paint = await paintRows(window);
      const shown = await hostFigures(window, agentPid);
      const events = await eventRows(places, window, stock);
      const storm = await stormRows(places, window, stock);
      await window.workbench.openContainer('Explorer');
      const hidden = await hostFigures(window, agentPid);
      return [...paint, ...events, ...storm, ...hostRows(shown, without, hidden), await bundleRow()];
    }),
  );
}
