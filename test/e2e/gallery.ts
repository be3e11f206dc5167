import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/paths.ts';
import { run } from '../../scripts/processes.ts';
import { type Language, languages } from './gallery/phrases.ts';
import { type Scene, scenes } from './gallery/scenes.ts';
import { onStage, type Set as Stage, type Theme, themes } from './gallery/stage.ts';

const usage = `npx tsx test/e2e/gallery.ts [options]: every view and editor in every kind of theme and in both languages, to be looked at
  --language en|zh-cn  only this one
  --theme NAME         only this one of ${Object.keys(themes).join(', ')}
  --scene NAME         only this one of ${scenes.map(({ name }) => name).join(', ')}; may be given again
  --readme             only the README's pictures, into docs/images (takes Debian's pngquant)
The others go to .screenshots/gallery. Chinese takes a Chinese font (Debian: fonts-wqy-microhei).`;

const { values } = parseArgs({
  options: {
    language: { type: 'string' },
    theme: { type: 'string' },
    scene: { type: 'string', multiple: true },
    readme: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const folder = join(root, values.readme ? 'docs/images' : '.screenshots/gallery');
const themeNames = Object.keys(themes).filter((name): name is Theme => Object.hasOwn(themes, name));
/** Bytes of a picture in the README. */
const largest = 150_000;

if (values.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  await onStage(async ({ show }) => {
    for (const language of languages) {
      if (values.readme ? language !== 'en' : !isWanted(values.language, language)) continue;
      await show(language, (stage) => perform(stage, language));
    }
  });
}

async function perform(stage: Stage, language: Language): Promise<void> {
  const { page } = stage.workbench;
  for (const scene of scenes) {
    if (values.scene !== undefined && !values.scene.includes(scene.name)) continue;
    if (values.readme && scene.chosen === undefined) continue;
    try {
      await show(scene, { stage, language });
    } catch (failure) {
      // The others are still worth a look.
      process.exitCode = 1;
      console.error(`${scene.name} in ${language}:`, failure);
      await page.screenshot({ path: join(folder, `failed-${scene.name}-${language}.png`) });
      await page.keyboard.press('Escape');
    }
  }
}

async function show(scene: Scene, { stage, language }: { stage: Stage; language: Language }): Promise<void> {
  const { page } = stage.workbench;
  if (!scene.isBrief) await scene.arrange(stage);
  for (const theme of themeNames) {
    if (values.readme ? theme !== scene.chosen : !isWanted(values.theme, theme)) continue;
    await stage.dress(theme);
    if (scene.isBrief) await scene.arrange(stage);
    else await page.mouse.move(700, 790);
    await take(stage, values.readme ? scene.name : `${scene.name}-${language}-${theme}`);
    if (scene.isBrief) await page.keyboard.press('Escape');
  }
  if (scene.isPage !== true || values.readme) return;
  const size = page.viewportSize();
  await page.setViewportSize({ width: 760, height: 800 });
  await take(stage, `${scene.name}-${language}-narrow`);
  if (size !== null) await page.setViewportSize(size);
}

async function take({ workbench }: Stage, name: string): Promise<void> {
  const path = join(folder, `${name}.png`);
  // Without animations: a menu that fades in is there at once.
  await workbench.page.screenshot({ path, animations: 'disabled' });
  if (values.readme) {
    await run('pngquant', ['--force', '--skip-if-larger', '--ext', '.png', '256', path], { quiet: true });
    const { size } = await stat(path);
    if (size > largest) throw new Error(`${path} has ${size} bytes, more than ${largest}`);
  }
  console.log(`  ${path}`);
}

function isWanted(wanted: string | undefined, name: string): boolean {
  return wanted === undefined || wanted === name;
}
