import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hiddenSentences, sentencesIn, sources, usedSentences } from './l10n-keys.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const english = path.join(root, 'l10n/bundle.l10n.json');
const chinese = path.join(root, 'l10n/bundle.l10n.zh-cn.json');

async function bundle(file: string): Promise<Record<string, string>> {
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  assert.ok(typeof value === 'object' && value !== null);
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

const placeholders = (text: string): string[] => [...new Set(text.match(/\{\d+\}/g))].sort();

/** Sentences that stand elsewhere as literals: in `reasons.ts`, in calls of `phrase`. */
const passedOn = new Set(['step.why', 'text, ...values']);

describe('The translations', () => {
  let used: Map<string, string>;

  before(async () => {
    used = await usedSentences(root);
    if (!process.env['PORTHOLE_UPDATE']) return;
    const sorted = [...used.keys()].sort();
    const content = Object.fromEntries(sorted.map((sentence) => [sentence, sentence]));
    await writeFile(english, `${JSON.stringify(content, undefined, 2)}\n`);
  });

  it('find the sentences that the code uses', () => {
    assert.deepEqual(sentencesIn(`l10n.t('a {0}', x); t(\n  "it's"); at('no'); phrase('b'); t('don\\'t')`), [
      'a {0}',
      "it's",
      'b',
      "don't",
    ]);
    assert.deepEqual(hiddenSentences('l10n.t(`a`); l10n.t(step.why); l10n.t("fine")'), ['`a`', 'step.why']);
  });

  it('hold every sentence of the code and the plan, and no other', async () => {
    const expected = [...used.keys()].sort();
    assert.deepEqual(Object.keys(await bundle(english)).sort(), expected);
    const translated = new Set(Object.keys(await bundle(chinese)));
    const missing = expected.filter((sentence) => !translated.has(sentence)).map((one) => `${used.get(one)}: ${one}`);
    const unused = [...translated].filter((sentence) => !used.has(sentence));
    assert.deepEqual({ missing, unused }, { missing: [], unused: [] });
  });

  it('are in Chinese, with the same values in them', async () => {
    for (const [sentence, translation] of Object.entries(await bundle(chinese))) {
      assert.deepEqual(placeholders(translation), placeholders(sentence), sentence);
      const isName = /^[A-Za-z]+$/.test(sentence) && sentence === translation;
      assert.ok(isName || /\p{Script=Han}/u.test(translation), `not translated: ${sentence}`);
    }
  });

  it('are asked for by literal strings, but for the plan\u2019s reasons and the place that says phrases', async () => {
    for (const file of await sources(path.join(root, 'src/extension'))) {
      const hidden = hiddenSentences(await readFile(file, 'utf8')).filter((call) => !passedOn.has(call));
      assert.deepEqual(hidden, [], file);
    }
  });
});
