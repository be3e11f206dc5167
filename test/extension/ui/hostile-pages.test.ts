import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { matrixOf, membersOf } from '../../../src/extension/namespaces/matrix.ts';
import { type PageName, pageNames } from '../../../src/extension/panels/page-names.ts';
import type { LayerEntry } from '../../../src/protocol/layers.ts';
import { requires } from '../../support/tools.ts';
import { reading, trace } from './fixtures.ts';
import { described, inspectedContainer } from './inspect-fixture.ts';
import { survey } from './namespaces-fixture.ts';
import { PageStage, send } from './page-stage.ts';

/** In every hostile text, so that it is known to have come as far as the page. */
const mark = 'mark7';
const run = 'window.harmed = true';

/** What names, labels, logs and files of others may hold. */
const payloads: Readonly<Record<string, string>> = {
  'HTML and scripts': `${mark}<img src=x onerror="${run}"><script>${run}</script><svg onload="${run}"></svg><iframe srcdoc="<script>parent.${run}</script>"></iframe><a href="javascript:${run}">x</a>`,
  'the end of an attribute': `${mark}"' onmouseover="${run}" autofocus onfocus="${run}" x='`,
  'twenty thousand letters without a blank': mark + 'x'.repeat(20_000),
  'text that turns around': `${mark}\u202e\u2067gpj.\u05e9\u05dc\u05d5\u05dd\u200f\u202e`,
  'escape sequences': `${mark}\x1b[31;5m\x1b[2J\x1b]8;;javascript:${run}\x07here\x1b]8;;\x07\x1b]0;title\x07\r\b`,
  'every byte': `${mark}${String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))}`,
  'halves of characters': `${mark}\udc80\udcff\ud800`,
  'lines and tabs': `${mark}\n\n\t\u2028\u2029\r\n${' '.repeat(500)}x`,
};

const entry = (path: string): LayerEntry => ({
  ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 3, mtime: 1_700_000_000 },
});
const none = { added: 0, modified: 0, deleted: 0, storedBytes: 0, hiddenBytes: 0 };
const nameOf = (evil: string) => () => evil;

/** What each page is sent, with hostile words wherever words of others are. */
const shown: Readonly<Record<PageName, (evil: string) => readonly unknown[]>> = {
  birth: (evil) => [
    {
      type: 'trace',
      trace: { ...trace, steps: trace.steps.map((step) => ({ ...step, op: evil, line: evil, why: evil })) },
      planned: false,
    },
  ],
  usage: (evil) => [
    { type: 'containers', names: [evil, evil], plans: true },
    { type: 'reading', source: 0, reading: { ...reading(1), path: evil } },
    { type: 'reading', source: 0, reading: { ...reading(2), path: evil } },
    { type: 'reading', source: 1, reading: { ...reading(2), path: evil } },
    { type: 'ended', source: 0, message: evil },
  ],
  isolation: (evil) => [
    { type: 'report', findings: [{ id: evil, verdict: 'open', what: evil, why: evil, how: evil }] },
  ],
  timeline: (evil) => [
    {
      type: 'moments',
      moments: [{ time: evil, kind: 'ended', alarming: true, what: evil, details: [evil, evil] }],
    },
  ],
  logs: (evil) => [
    { type: 'sources', names: [evil, evil] },
    { type: 'lines', lines: [{ at: 1_700_000_000_000, source: 0, stream: 'stderr', text: evil }], skipped: 0 },
    { type: 'over', message: evil },
  ],
  layers: (evil) => [
    {
      type: 'stack',
      tags: [evil],
      layers: [
        {
          ...{ position: 0, instruction: evil, created: evil, size: 1, blobSize: 1, entries: 1, deletions: 1 },
          ...{ sharedBy: [evil], digest: evil },
        },
      ],
    },
  ],
  inspect: (evil) => [
    described({
      ...inspectedContainer,
      [evil]: evil,
      Path: evil,
      State: { ...inspectedContainer.State, Status: evil, Error: evil, StartedAt: evil },
      Config: { ...inspectedContainer.Config, Env: [`${evil}=${evil}`], Labels: { [evil]: evil, __proto__: evil } },
      Mounts: [{ Type: evil, Source: evil, Destination: evil, RW: false }],
    }),
  ],
  namespaces: (evil) => [
    { type: 'matrix', matrix: matrixOf(survey, { nameOf: nameOf(evil), chosen: 'idweb', resting: 0 }) },
  ],
};

/** What an extension answers to the questions of pages that ask. */
function answerTo(asked: { type: string; question?: number; inode?: number }, evil: string): unknown {
  const { type, question, inode } = asked;
  const change = { kind: 'modified', before: entry(evil), after: { ...entry(evil), type: 'symlink', link: evil } };
  switch (type) {
    case 'directory':
    case 'find': {
      const rows = [{ name: evil, path: evil, change, below: none }];
      return type === 'find'
        ? { type: 'found', question, found: { rows, total: 1 } }
        : { type, question, directory: { path: '', totals: none, rows, more: true } };
    }
    case 'merged':
      return { type, question, entries: [{ ...entry(evil), layer: 0 }] };
    case 'versions':
      return { type, question, versions: [{ position: 0, ...change }] };
    case 'waste':
      return { type: 'refused', question, message: evil };
    case 'members':
      return { type, inode, ...membersOf(survey, inode ?? 0, { nameOf: nameOf(evil) }) };
    default:
      return undefined;
  }
}

describe('No data of others breaks a page', function () {
  this.timeout(180_000);
  let stage: PageStage;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  after(() => stage?.close());

  async function opened(name: PageName, evil: { text: string }): Promise<{ page: Page; failures: string[] }> {
    const page = await stage.show(name, 'vscode-dark');
    const failures: string[] = [];
    page.on('pageerror', (failure) => failures.push(failure.message));
    await page.exposeFunction('answerTo', (asked: { type: string }) => answerTo(asked, evil.text));
    await page.evaluate(`window.sent.push = (message) => {
      Array.prototype.push.call(window.sent, message);
      window.answerTo(message).then((data) => data && window.dispatchEvent(new MessageEvent('message', { data })));
    }`);
    return { page, failures };
  }

  async function holds(page: Page, what: string): Promise<void> {
    assert.equal(await page.evaluate('window.harmed'), undefined, `${what}: a script ran`);
    const injected = 'main img, main script, main svg[onload], main iframe, main a, main [onmouseover], main [onfocus]';
    assert.equal(await page.locator(injected).count(), 0, `${what}: an element came in`);
    for (const width of [1100, 400]) {
      await page.setViewportSize({ width, height: 820 });
      const [wide, room] = await page.evaluate<[number, number]>(
        'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done([document.documentElement.scrollWidth, document.documentElement.clientWidth]))))',
      );
      assert.ok(wide <= room, `${what}: ${wide} pixels wide in a panel of ${width}`);
    }
  }

  for (const name of pageNames) {
    it(`${name}: words of others stay words, and within their place`, async () => {
      const evil = { text: '' };
      const { page, failures } = await opened(name, evil);
      for (const [what, text] of Object.entries(payloads)) {
        evil.text = text;
        const subject = { host: 'local', engine: 'porthole', id: 'idweb', name: text };
        await send(page, { type: 'start', subject, texts: {}, locale: 'en' }, ...shown[name](text));
        // Not the title, which is there in any case: what the page itself shows.
        await page.waitForFunction(
          `[...document.querySelectorAll('main > :not(h1)')].some(({ textContent }) => textContent.includes('${mark}'))`,
        );
        if (name === 'layers') await page.locator('#changes [role=treeitem]').first().click();
        if (name === 'namespaces') await page.locator('.chip').first().click();
        if (name === 'inspect') await page.locator('#unfold').dispatchEvent('click');
        await holds(page, what);
      }
      assert.deepEqual(failures, []);
      await page.close();
    });

    it(`${name}: says what is wrong, keeps what it showed, and takes nonsense for nothing`, async () => {
      const { page, failures } = await opened(name, { text: mark });
      const subject = { host: 'local', engine: 'porthole', id: 'idweb', name: 'web' };
      await send(page, { type: 'start', subject, texts: {}, locale: 'en' }, ...shown[name](mark));
      const content = () =>
        page.evaluate<boolean>(
          `[...document.querySelectorAll('main > :not(h1, #problem)')].some(({ textContent }) => textContent.includes('${mark}'))`,
        );
      const nonsense = [null, 7, 'text', [], {}, { type: 7 }, { type: 'start' }, { type: 'problem', message: {} }];
      const halves = shown[name](mark).map((message) => ({ ...Object(message), layers: 1, findings: 1, lines: 1 }));
      const types = halves.map(({ type }) => ({ type }));
      await send(page, ...nonsense, ...types);
      assert.equal(await content(), true);
      for (const text of Object.values(payloads)) {
        await send(page, { type: 'problem', message: text });
        assert.match(await page.getByRole('alert').innerText(), new RegExp(mark));
        assert.equal(await content(), true);
        await holds(page, 'a problem');
      }
      assert.deepEqual(failures, []);
      await page.close();
    });
  }
});
