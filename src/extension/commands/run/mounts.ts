import { l10n, type QuickPickItem } from 'vscode';
import { type Answer, askOne, askText, type Box } from './boxes.ts';
import type { RunMount } from './choices.ts';

interface MountRow extends QuickPickItem {
  readonly act: 'go' | RunMount['kind'] | RunMount;
}

/** What is mounted, as a list: directories of the host and volumes are added, and one that is chosen goes again. */
export async function askMounts(
  box: Box,
  begin: readonly RunMount[],
  volumes: readonly string[],
): Promise<Answer<RunMount[]>> {
  let mounts = [...begin];
  for (;;) {
    const rows: readonly MountRow[] = [
      { label: l10n.t('Continue'), act: 'go' },
      { label: l10n.t('Add a directory of the host…'), act: 'directory' },
      { label: l10n.t('Add a volume…'), act: 'volume' },
      ...mounts.map((mount) => ({
        label: `${mount.source} → ${mount.target}`,
        description: mount.readOnly ? l10n.t('read-only') : l10n.t('can be written'),
        detail: l10n.t('Choose it to take it away'),
        act: mount,
      })),
    ];
    const answer = await askOne(box, rows, {
      placeholder: l10n.t('Which files of outside does it see?'),
      active: rows[0],
    });
    if (answer.to !== 'next') return answer.to === 'away' ? answer : { to: answer.to, value: mounts };
    const { act } = answer.value;
    if (act === 'go') return { to: 'next', value: mounts };
    if (typeof act === 'object') {
      mounts = mounts.filter((mount) => mount !== act);
      continue;
    }
    const added = await askMount(box, act, volumes);
    if (added.to === 'away') return added;
    if (added.to === 'next') mounts = [...mounts, added.value];
  }
}

/** Back leads to the list, whatever was asked last. */
async function askMount(box: Box, kind: RunMount['kind'], volumes: readonly string[]): Promise<Answer<RunMount>> {
  const source = kind === 'directory' ? await askDirectory(box) : await askVolume(box, volumes);
  if (source.to !== 'next') return { to: source.to };
  const target = await askText(box, {
    value: kind === 'directory' ? source.value : '/data',
    prompt: l10n.t('Where in the container?'),
    check: (text) => (text.startsWith('/') && text !== '/' ? undefined : l10n.t('A path that begins with /')),
  });
  if (target.to !== 'next') return { to: target.to };
  const rows = [
    { label: l10n.t('It can be written'), readOnly: false },
    { label: l10n.t('It can only be read'), readOnly: true },
  ];
  const access = await askOne(box, rows, { placeholder: target.value });
  if (access.to !== 'next') return { to: access.to };
  const { readOnly } = access.value;
  return { to: 'next', value: { kind, source: source.value, target: target.value, readOnly } };
}

function askDirectory(box: Box): Promise<Answer<string>> {
  return askText(box, {
    value: '',
    prompt: l10n.t('Which directory of the host?'),
    placeholder: '/srv/data',
    check: (text) => (text.startsWith('/') ? undefined : l10n.t('A path that begins with /')),
  });
}

/** One that is there, or the name of one that the engine is to make. */
async function askVolume(box: Box, volumes: readonly string[]): Promise<Answer<string>> {
  const another = { label: l10n.t('A new volume…'), name: undefined };
  const rows = [...volumes.map((name) => ({ label: name, name })), another];
  const answer = volumes.length === 0 ? undefined : await askOne(box, rows, { placeholder: l10n.t('Which volume?') });
  if (answer && answer.to !== 'next') return { to: answer.to };
  if (answer?.value.name !== undefined) return { to: 'next', value: answer.value.name };
  return askText(box, {
    value: '',
    prompt: l10n.t('Name of the volume; it is made when the container is.'),
    check: (text) =>
      /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text)
        ? undefined
        : l10n.t('Letters, digits, _ . and -, beginning with a letter or digit'),
  });
}
