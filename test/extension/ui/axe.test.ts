import assert from 'node:assert/strict';
import { isolationOf } from '../../../src/extension/isolation/report.ts';
import type { PageName } from '../../../src/extension/panels/page-names.ts';
import { momentOf } from '../../../src/extension/timeline/moments.ts';
import { requires } from '../../support/tools.ts';
import { life, looselyHeld, pastUsage, reading, trace, updatePlan } from './fixtures.ts';
import { obstacles } from './keyboard.ts';
import { PageStage, send, themeNames } from './page-stage.ts';
import { violations } from './violations.ts';

const subject = { host: 'local', engine: 'porthole', id: '4f0c8d1a2b3c', name: 'clock' };
const start = { type: 'start', subject, texts: {}, locale: 'en' };
const line = (text: string, stream = 'stdout') => ({ at: 1_700_000_000_000, source: 0, stream, text });

/** Pages that show nothing before they were asked: axe looks at them where they are used. */
type Asked = 'layers' | 'inspect' | 'namespaces';

/** What each of the others is sent: something of everything that it can show. */
const shown: Record<Exclude<PageName, Asked>, readonly unknown[]> = {
  birth: [{ type: 'trace', trace, planned: false }],
  usage: [
    { type: 'containers', names: ['clock', 'bell'], plans: true },
    ...[0, 1, 2, 3].flatMap((second) =>
      [0, 1].map((source) => ({ type: 'reading', source, reading: reading(second) })),
    ),
    { type: 'plan', plan: updatePlan },
  ],
  isolation: [
    {
      type: 'report',
      findings: isolationOf(looselyHeld, {}).map(({ id, verdict, what, why, how }) => ({
        ...{ id, verdict, what: String(what), why: String(why) },
        ...(how && { how: String(how) }),
      })),
    },
  ],
  timeline: [
    {
      type: 'moments',
      moments: life.map((entry) => {
        const { what, details, ...rest } = momentOf(entry);
        return { ...rest, time: entry.time, what: String(what), details: details.map(String) };
      }),
      usage: pastUsage,
      marks: [],
    },
  ],
  logs: [
    { type: 'sources', names: ['clock', 'bell'] },
    { type: 'lines', lines: [line('tick'), { ...line('\x1b[1mtock\x1b[0m', 'stderr'), source: 1 }], skipped: 3 },
    { type: 'over', message: 'clock has ended' },
  ],
};

describe('axe finds nothing, and all is reached by keyboard', function () {
  this.timeout(120_000);
  let stage: PageStage;

  before(async function () {
    requires(this, { programs: ['chromium'] });
    stage = await PageStage.open();
  });
  after(() => stage?.close());

  for (const [name, messages] of Object.entries(shown)) {
    for (const theme of themeNames) {
      it(`in ${name} (${theme})`, async () => {
        if (!isPage(name)) return;
        const page = await stage.show(name, theme);
        await send(page, start, ...messages);
        await page.waitForFunction('document.querySelector("main h1")');
        assert.deepEqual(await violations(page), []);
        assert.deepEqual(await obstacles(page), []);
        await page.close();
      });
    }
  }

  it('unless there is something', async () => {
    const page = await stage.show('birth', 'vscode-dark');
    await page.evaluate('document.body.append(document.createElement("button"))');
    assert.match((await violations(page)).join(), /button-name/);
    await page.close();
  });

  it('unless something is out of reach, or its focus is not seen', async () => {
    const page = await stage.show('birth', 'vscode-dark');
    await page.evaluate(`document.body.innerHTML = '<button>plain</button><button style="outline: none">bare</button>' +
      '<div inert><input></div><button onfocus="this.blur()">shy</button>'`);
    const found = await obstacles(page);
    assert.deepEqual(found, ['nothing shows the focus of 1 button "bare"', 'Tab does not reach 2 button "shy"']);
    await page.close();
  });
});

const isPage = (name: string): name is keyof typeof shown => Object.hasOwn(shown, name);
