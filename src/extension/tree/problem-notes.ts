import { l10n } from 'vscode';
import { type EngineProblem, type Fleet, hostLabel } from '../fleet.ts';
import { engineName } from '../hosts/problems.ts';
import { explain } from '../problems.ts';
import type { NoteNode } from './inside-nodes.ts';

/** Rows above a list for what engines do not tell of it: what is below them may be old, or not all. */
export function problemNotes(fleet: Fleet, of: EngineProblem['of']): readonly NoteNode[] {
  return fleet.hosts.flatMap(({ host, engines }) =>
    engines.flatMap(({ engine, problems }) =>
      problems
        .filter((problem) => problem.of === of || problem.of === 'events')
        .map((problem) => {
          const where = l10n.t('{0} on {1}', engineName(engine), hostLabel(fleet, host.id));
          return {
            type: 'note',
            id: `problem/${host.id}/${engine}/${of}/${problem.of}`,
            text: `${where}: ${words(problem)}`,
            failed: true,
          };
        }),
    ),
  );
}

function words({ of, why }: EngineProblem): string {
  const said = explain(why);
  switch (of) {
    case 'containers':
      return l10n.t('the list of containers is not whole. {0}', said);
    case 'images':
      return l10n.t('the list of images is not whole. {0}', said);
    case 'volumes':
      return l10n.t('the list of volumes is not whole. {0}', said);
    case 'events':
      return l10n.t('what is shown may be old. {0}', said);
  }
}
