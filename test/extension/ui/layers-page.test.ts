import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { FromLayers, ToLayers } from '../../../src/protocol/layer-page.ts';
import type { ChangeRow, LayerEntry, MergedEntry } from '../../../src/protocol/layers.ts';
import { requires } from '../../support/tools.ts';
import { obstacles } from './keyboard.ts';
import { PageStage, picture, send, type Theme, themeNames } from './page-stage.ts';
import { violations } from './violations.ts';

const subject = { host: 'local', engine: 'porthole', id: 'sha256:4f0c8d1a2b3c', name: 'shop/web:3' };
const start = { type: 'start', subject, texts: {}, locale: 'en' };
const none = { added: 0, modified: 0, deleted: 0, storedBytes: 0, hiddenBytes: 0 };
/** More than anybody scrolls through row by row. */
const many = 6000;

const entry = (at: string, size = 0, more: Partial<LayerEntry> = {}): LayerEntry => ({
  ...{ path: at, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: 1_700_000_000 },
  ...more,
});
const nameOf = (at: string) => at.slice(at.lastIndexOf('/') + 1);
const row = (at: string, change?: ChangeRow['change'], below: Partial<ChangeRow['below']> = {}): ChangeRow => ({
  name: nameOf(at),
  path: at,
  ...(change && { change }),
  below: { ...none, ...below },
});

const stack: ToLayers = {
  type: 'stack',
  tags: ['shop/web:3', 'shop/web:latest'],
  layers: [
    ['COPY debian /', 118_000_000, ['shop/db:1', 'tools:latest']],
    ['RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates nginx', 61_200_000, []],
    ['COPY --chown=www-data site /srv/www', 4_100_000, []],
    ['RUN rm -rf /var/lib/apt/lists && chmod 0750 /srv/www', 0, []],
  ].map(([instruction, size, sharedBy], position) => ({
    position,
    instruction: String(instruction),
    size: Number(size),
    blobSize: Number(size) / 3,
    created: '2026-11-30T10:00:00Z',
    entries: position === 2 ? many : 12,
    deletions: position === 3 ? 40 : 0,
    sharedBy: Array.isArray(sharedBy) ? sharedBy.map(String) : [],
    digest: `sha256:${position}abc`,
  })),
};

const directories: Record<string, readonly ChangeRow[]> = {
  '': [
    row(
      'etc',
      { kind: 'modified', differs: ['time'], after: entry('etc', 0, { type: 'directory' }) },
      { modified: 1, storedBytes: 3200 },
    ),
    row('srv', undefined, { added: many, storedBytes: 4_100_000 }),
    row('var', undefined, { deleted: 2, hiddenBytes: 2000, modified: 1 }),
    row('latest', { kind: 'added', after: entry('latest', 0, { type: 'symlink', link: 'srv/www' }) }),
  ],
  etc: [
    row('etc/nginx.conf', {
      kind: 'modified',
      differs: ['content', 'mode', 'time'],
      before: entry('etc/nginx.conf', 1800),
      after: entry('etc/nginx.conf', 3200, { mode: 0o640 }),
    }),
  ],
  srv: [row('srv/www', undefined, { added: many, storedBytes: 4_100_000 })],
  'srv/www': Array.from({ length: many }, (_, index) => {
    const at = `srv/www/page-${String(index).padStart(5, '0')}.html`;
    return row(at, { kind: 'added', after: entry(at, (index * 7919) % 10_007) });
  }),
  var: [
    row('var/cache', { kind: 'deleted', before: entry('var/cache', 0, { type: 'directory' }) }, { deleted: 1 }),
    row('var/log', undefined, { modified: 1 }),
  ],
};
const mergedEntry = (at: string, layer: number, size: number, type: LayerEntry['type'] = 'file'): MergedEntry => ({
  ...entry(at, size, { type }),
  layer,
});
const merged = [
  mergedEntry('bin', 0, 0, 'directory'),
  mergedEntry('etc', 0, 0, 'directory'),
  mergedEntry('init', 1, 91_000),
];
const waste: Extract<ToLayers, { type: 'waste' }> = {
  type: 'waste',
  question: 0,
  waste: {
    stored: 183_300_000,
    visible: 165_300_000,
    wasted: 18_000_000,
    files: 41,
    pairs: [
      { storedBy: 1, hiddenBy: 3, reason: 'deleted', bytes: 17_998_200, files: 40 },
      { storedBy: 0, hiddenBy: 2, reason: 'content', bytes: 1800, files: 1 },
    ],
    largest: [
      { path: 'var/lib/apt/lists/main', bytes: 17_000_000, storedBy: 1, hiddenBy: 3, reason: 'deleted' },
      { path: 'etc/nginx.conf', bytes: 1800, storedBy: 0, hiddenBy: 2, reason: 'content' },
    ],
  },
};

/** What the extension would answer. */
function answerTo(asked: FromLayers): ToLayers | undefined {
  if (!('question' in asked)) return undefined;
  const { question } = asked;
  switch (asked.type) {
    case 'directory': {
      const rows = directories[asked.path] ?? [];
      if (asked.path === 'var/log') return { type: 'refused', question, message: 'The agent is gone.' };
      const from = asked.after === '' ? 0 : rows.findIndex(({ name }) => name === asked.after) + 1;
      const page = rows.slice(from, from + 5000);
      const more = from + page.length < rows.length;
      return { type: 'directory', question, directory: { path: asked.path, totals: none, rows: page, more } };
    }
    case 'merged':
      return { type: 'merged', question, entries: asked.path === '' ? merged : [] };
    case 'find': {
      const all = Object.values(directories)
        .flat()
        .filter(({ path: at, change }) => change && at.includes(asked.text));
      return { type: 'found', question, found: { rows: all.slice(0, 2000), total: all.length } };
    }
    case 'versions':
      return {
        type: 'versions',
        question,
        versions: [
          { position: 0, kind: 'added', after: entry(asked.path, 1800) },
          {
            position: 2,
            kind: 'modified',
            differs: ['content'],
            before: entry(asked.path, 1800),
            after: entry(asked.path, 3200),
          },
        ],
      };
    case 'waste':
      return { ...waste, question };
  }
}

describe('The layers page', function () {
  this.timeout(120_000);
  let stage: PageStage;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  after(() => stage?.close());

  async function answered(page: Page): Promise<void> {
    await page.exposeFunction('answerTo', answerTo);
    await page.evaluate(`window.sent.push = (message) => {
      Array.prototype.push.call(window.sent, message);
      window.answerTo(message).then((data) => data && window.dispatchEvent(new MessageEvent('message', { data })));
    }`);
  }

  /** The page with an extension behind it. */
  async function opened(theme: Theme = 'vscode-dark'): Promise<Page> {
    const page = await stage.show('layers', theme);
    await answered(page);
    await send(page, start, stack);
    await page.locator('#changes [role=treeitem]').first().waitFor();
    return page;
  }

  const rows = (page: Page) => page.locator('#changes [role=treeitem]');
  const named = (page: Page, name: string) =>
    page.locator('#changes [role=treeitem]', { has: page.locator('.name', { hasText: name }) });
  const sent = (page: Page, type: string) =>
    page.evaluate<Record<string, unknown>[]>(`window.sent.filter(({ type }) => type === ${JSON.stringify(type)})`);

  for (const theme of themeNames) {
    it(`shows the stack, and what a layer changed, and axe finds nothing (${theme})`, async () => {
      const page = await opened(theme);
      assert.equal(await page.locator('.layer').count(), 4);
      const first = await page.locator('.layer').first().innerText();
      assert.match(first, /COPY debian \//);
      assert.match(first, /118 MB/);
      assert.match(first, /Shared with shop\/db:1, tools:latest/);
      // The highest layer is shown first.
      assert.deepEqual(
        (await sent(page, 'directory')).map(({ position }) => position),
        [3],
      );
      await page.locator('.layer').nth(2).click();
      await page.waitForFunction(`window.sent.some(({ type, position }) => type === 'directory' && position === 2)`);
      await named(page, 'etc').click();
      await named(page, 'nginx.conf').click();
      await page.locator('#versions li').nth(1).waitFor();
      assert.match(await page.locator('#details').innerText(), /\/etc\/nginx\.conf[\s\S]*Layer 1[\s\S]*Layer 3/);
      await page.locator('#fact-wasted dd').waitFor();
      assert.equal(await page.locator('#fact-wasted dd').innerText(), '18 MB · 10%');
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(await obstacles(page), []);
      await picture(page, `layers-${theme}`);
      await page.getByRole('tab', { name: 'Waste' }).click();
      assert.match(
        await page.locator('#panel-waste').innerText(),
        /17 MB\s+\/var\/lib\/apt\/lists\/main\s+Layer 2\s+Layer 4\s+deleted/,
      );
      assert.deepEqual(await violations(page), []);
      await picture(page, `waste-${theme}`);
      await page.close();
    });
  }

  it('makes rows only of what is in sight, however many there are', async () => {
    const page = await opened();
    await named(page, 'srv').click();
    // With nothing else on the way the next directory unfolds too.
    await named(page, 'page-00000.html').waitFor();
    assert.ok((await rows(page).count()) < 120, 'only rows in sight exist');
    await page.evaluate(`document.querySelector('#changes').scrollTop = 5000 * 22`);
    await named(page, 'Show more names').click();
    await page.locator('#changes').press('End');
    await named(page, 'latest').waitFor();
    assert.ok((await rows(page).count()) < 120);
    await page.evaluate(`document.querySelector('#changes').scrollTop = 5900 * 22`);
    await named(page, 'page-05900.html').waitFor();
    assert.equal(await named(page, 'page-05900.html').getAttribute('aria-setsize'), String(many));
    await page.close();
  });

  it('is used by keyboard alone', async () => {
    const page = await opened();
    const tree = page.locator('#changes');
    await tree.focus();
    await tree.press('Home');
    const active = () =>
      page.evaluate<string>(
        `document.getElementById(document.querySelector('#changes').getAttribute('aria-activedescendant')).querySelector('.visually-hidden').textContent`,
      );
    assert.match(await active(), /^etc/);
    await tree.press('ArrowRight');
    await named(page, 'nginx.conf').waitFor();
    await tree.press('ArrowRight');
    assert.match(await active(), /^nginx\.conf, modified, content, mode, time, 3\.2 kB$/);
    await tree.press('Enter');
    assert.deepEqual((await sent(page, 'open')).at(-1), {
      type: 'open',
      position: 3,
      path: 'etc/nginx.conf',
      beside: 'below',
    });
    await tree.press('ArrowLeft');
    assert.match(await active(), /^etc/);
    await tree.press('ArrowLeft');
    await named(page, 'nginx.conf').waitFor({ state: 'detached' });
    await tree.press('v');
    assert.match(await active(), /^var, below: 0 added, 1 modified, 2 deleted/);
    await page.locator('#stack').focus();
    await page.locator('#stack').press('ArrowUp');
    assert.equal(await page.locator('.layer[aria-selected=true] .ordinal').innerText(), '3');
    await page.locator('#tab-changes').focus();
    await page.locator('#tab-changes').press('ArrowRight');
    await page.locator('#files [role=treeitem]').first().waitFor();
    assert.deepEqual(await page.locator('#files [role=treeitem] .name').allInnerTexts(), ['bin', 'etc', 'init']);
    await page.close();
  });

  it('narrows by kind and text, and orders by size', async () => {
    const page = await opened();
    const shown = () => page.locator('#changes [role=treeitem] .name').allInnerTexts();
    assert.deepEqual(await shown(), ['etc', 'srv', 'var', 'latest']);
    await page.getByRole('button', { name: 'Deleted' }).click();
    assert.deepEqual(await shown(), ['var']);
    await page.getByRole('button', { name: 'Deleted' }).click();
    await page.locator('#panel-changes .order').selectOption('size');
    assert.deepEqual(await shown(), ['srv', 'etc', 'var', 'latest']);
    await page.locator('#panel-changes .order').selectOption('name');
    await page.locator('#panel-changes vscode-text-field').locator('input').fill('www/page-0000');
    await page.getByText('10 found').waitFor();
    assert.equal((await shown())[3], 'srv/www/page-00003.html');
    await page.locator('#panel-changes vscode-text-field').locator('input').fill('srv/www');
    await page.getByText('The first 2000 of 6000').waitFor();
    await page.locator('#panel-changes vscode-text-field').locator('input').fill('');
    await named(page, 'latest').waitFor();
    await page.close();
  });

  it('offers every comparison, and says in the row what could not be read', async () => {
    const page = await opened();
    await named(page, 'etc').click();
    await named(page, 'nginx.conf').click();
    const sides = ['below', 'above', 'image', 'container', 'nothing'];
    for (const beside of sides) await page.locator(`[data-beside=${beside}]`).click();
    assert.deepEqual(
      (await sent(page, 'open')).map((message) => message['beside']),
      sides,
    );
    await page.locator('#open-changes').click();
    assert.deepEqual(await sent(page, 'changes'), [{ type: 'changes', position: 3 }]);
    await named(page, 'var').click();
    await named(page, 'log').click();
    await named(page, 'The agent is gone.').waitFor();
    await page.close();
  });

  it('shows a container as one layer more, and reads it again when that is asked for', async () => {
    const page = await stage.show('layers', 'vscode-dark');
    await answered(page);
    const own = {
      ...(stack.layers[3] ?? assert.fail()),
      position: 4,
      instruction: 'What the container changed',
      own: true,
    };
    const layers = { ...stack, layers: [...stack.layers, own] };
    await send(page, { ...start, subject: { ...subject, object: 'container', name: 'web' } }, layers);
    await page.locator('#changes [role=treeitem]').first().waitFor();
    assert.match(await page.locator('.layer.own').innerText(), /5\s+What the container changed[\s\S]*read at/);
    const asked = async () => (await sent(page, 'directory')).map(({ position }) => position);
    assert.deepEqual(await asked(), [4]);
    await send(page, layers);
    assert.deepEqual(await asked(), [4], 'what was unfolded stays as it is');
    await page.locator('#again').click();
    assert.equal((await sent(page, 'refresh')).length, 1);
    await send(page, layers);
    await page.waitForFunction(`window.sent.filter(({ type }) => type === 'directory').length === 2`);
    await page.close();
  });

  it('takes names of others as words', async () => {
    const evil = '<img src=x onerror="window.harmed = true">\u202e\n.txt';
    directories['evil'] = [row(`evil/${evil}`, { kind: 'added', after: entry(`evil/${evil}`, 3) })];
    const root = directories[''] ?? [];
    directories[''] = [...root, row('evil', undefined, { added: 1 })];
    try {
      const page = await opened();
      await named(page, 'evil').click();
      await page.locator('#changes [role=treeitem]', { hasText: 'onerror' }).click();
      assert.match(await page.locator('#details h2').innerText(), /onerror/);
      assert.equal(await page.locator('main img').count(), 0);
      assert.equal(await page.evaluate('window.harmed'), undefined);
      await page.close();
    } finally {
      directories[''] = root;
      delete directories['evil'];
    }
  });
});
