import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentPlaces } from '../../../scripts/local-agent.ts';
import { docker } from '../../conformance/engine.ts';
import { writeArchive } from '../archives.ts';
import { median } from '../measure.ts';
import { must, type Places } from '../places.ts';
import type { Row } from '../rows.ts';
import { firstRow, longestTask, look } from './in-page.ts';
import { inWindow, type Window } from './window.ts';

const goals = { layers: { most: 200 }, diff: { most: 100 } } as const;
const patience = 1_800_000;
const name = 'bench/opened:1';
/** Images with the same layers, none of which the extension has asked about. */
const copies = 8;
const shape = '1 GB in 50,000 files';
/** Of the layer with texts and of the one that changes them. */
const texts = { from: 100_000, files: 20, size: 20_000, directory: 100, text: true } as const;

export interface EditorOptions {
  /** For what is made. */
  readonly dir: string;
  readonly agent: AgentPlaces;
}

/** The layer editor and diffs of a large image, over a real sshd, each beside an editor of VS Code that shows next to nothing. */
export async function editorRows(places: Places, options: EditorOptions): Promise<Row[]> {
  const { ours, signal } = places;
  const dir = join(options.dir, 'editors');
  await mkdir(dir, { recursive: true });
  const archive = join(dir, 'opened.tar');
  const layers = [
    { from: 0, files: 50_000, size: 20_000, directory: 100 },
    texts,
    texts,
    { from: 200_000, files: 5_000, size: 10, directory: 1_000_000 },
  ];
  await writeArchive(archive, { name, layers, signal });
  await must(ours, ['load', '-q', '-i', archive], patience);
  await rm(archive);
  const images: string[] = [];
  try {
    for (let copy = 0; copy < copies; copy += 1) {
      const tag = `bench/copy-${copy}:1`;
      const input = Buffer.from(`FROM ${name}\nLABEL copy=${copy}\n`);
      const { code, stderr } = await docker(ours.engine, ['build', '-q', '-t', tag, '-'], { input });
      if (code !== 0) throw new Error(`docker build: ${stderr}`);
      images.push(tag);
    }
    const ids = await Promise.all(images.map((image) => idOf(places, image)));
    return await inWindow({ dir, agent: options.agent, signal }, async (window) => {
      await window.workbench.openContainer('Porthole');
      await window.ask('connect');
      return [...(await openingRows(window, ids)), ...(await diffRows(window, ids)), ...(await manyRows(window, ids))];
    });
  } finally {
    if (!signal.aborted) for (const image of [...images, name]) await must(ours, ['rmi', image], patience);
  }
}

const refOf = (id: string) => ({ host: 'ssh:sshd', engine: 'porthole', id });

/** From the call of the command to the first rows on the screen, each image for the first time. */
async function openingRows(window: Window, ids: readonly string[]): Promise<Row[]> {
  const { workbench, ask, probeDir } = window;
  const took = { ours: [] as number[], empty: [] as number[] };
  for (const id of ids) {
    const empty = await ask('panel', { folder: probeDir });
    took.empty.push((await firstRow(await workbench.webview(/^a row$/))) - empty.begun);
    await ask('closeEditors');
    await delay(500);
    const ours = await ask('execute', {
      command: 'porthole.image.layers',
      argument: { type: 'image', ref: refOf(id) },
    });
    took.ours.push((await firstRow(await workbench.webview(/Layers of bench/))) - ours.begun);
    await ask('closeEditors');
    await delay(500);
  }
  const [ours, empty] = [median(took.ours), median(took.empty)];
  const other = { figure: empty, whose: 'an empty webview' };
  return [
    { what: `layers of ${shape}: command to first rows, p50`, unit: 'ms', ours, other, goal: goals.layers },
    { what: '  what Porthole adds to an empty webview', unit: 'ms', ours: ours - empty },
    { what: `  the longest of ${took.ours.length}`, unit: 'ms', ours: Math.max(...took.ours) },
  ];
}

/** From the call of the command to the changed lines on the screen, each file for the first time. */
async function diffRows({ page, ask }: Window, [id = '']: readonly string[]): Promise<Row[]> {
  const took = { ours: [] as number[], plain: [] as number[] };
  const lines = '.monaco-diff-editor .editor.modified .view-line';
  const text = (layer: number, number: number) =>
    Array.from({ length: 500 }, (_, line) => (line % 10 === 0 ? `of layer ${layer}, file ${number}` : `${line}`)).join(
      '\n',
    );
  for (let file = 0; file < 12; file += 1) {
    const number = texts.from + file;
    const plainSeen = await look(page, lines, new RegExp(`of.layer.3,.file.${number}`));
    const plain = await ask('plainDiff', { left: text(2, number), right: text(3, number) });
    took.plain.push((await plainSeen()) - plain.begun);
    await ask('closeEditors');
    await delay(300);
    const seen = await look(page, lines, new RegExp(`${number}|of.layer.3`));
    const path = `usr/share/directory${Math.floor(number / texts.directory)}/some-file-name-${number}.txt`;
    const argument = { type: 'merged', image: refOf(id), entry: { path, layer: 2 } };
    const ours = await ask('execute', { command: 'porthole.file.compare', argument });
    took.ours.push((await seen()) - ours.begun);
    await ask('closeEditors');
    await delay(300);
  }
  // The first of each loads what all diff editors need.
  const [ours, plain] = [median(took.ours.slice(2)), median(took.plain.slice(2))];
  const other = { figure: plain, whose: 'two documents in memory' };
  return [
    { what: `a file's diff: command to lines, p50`, unit: 'ms', ours, other, goal: goals.diff },
    { what: '  what Porthole adds to a diff', unit: 'ms', ours: ours - plain },
  ];
}

/** A layer of 5,000 changes in one directory. */
async function manyRows({ page, workbench, ask }: Window, [id = '']: readonly string[]): Promise<Row[]> {
  await ask('execute', { command: 'porthole.image.layers', argument: { type: 'image', ref: refOf(id) } });
  const frame = await workbench.webview(/Layers of bench/);
  const tree = frame.locator('#changes');
  await tree
    .getByRole('treeitem', { name: /some-file-name/ })
    .first()
    .waitFor();
  await longestTask(frame);
  await tree.hover();
  for (let step = 0; step < 100; step += 1) {
    await page.mouse.wheel(0, 1_100);
    await delay(16);
  }
  const scrolled = await longestTask(frame);
  const filtered: number[] = [];
  for (const text of ['2003', '200312', 'name-2044', 'nowhere-204', '']) {
    await frame.evaluate(`void (bench.waits.filter = undefined)`);
    const begun = Date.now();
    await frame.locator('vscode-text-field.filter input').fill(text);
    await frame
      .locator(text === '' ? '#changes [role=treeitem]' : '.status', { hasText: text === '' ? /./ : /found|first/ })
      .first()
      .waitFor();
    filtered.push(Date.now() - begun);
    await delay(300);
  }
  const narrowed = await longestTask(frame);
  await ask('closeEditors');
  return [
    {
      what: 'a layer of 5,000 changes: longest task while scrolling through it',
      unit: 'ms',
      ours: scrolled,
      goal: { most: 100 },
    },
    { what: '  longest task while filtering', unit: 'ms', ours: narrowed, goal: { most: 100 } },
    { what: '  from a typed filter to what it finds, p50', unit: 'ms', ours: median(filtered), goal: { most: 300 } },
  ];
}

async function idOf({ ours }: Places, image: string): Promise<string> {
  const { Id }: { Id: string } = JSON.parse(await ours.api.call('GET', `/images/${encodeURIComponent(image)}/json`));
  return Id;
}
