import { formatSize } from '../../src/base/units.ts';
import type { WasteReport } from '../../src/protocol/layers.ts';
import { element } from '../shared/dom.ts';
import { reasonWords, type Translate } from './words.ts';

/** Opens what a layer stored beside what hid it. */
type OpenWasted = (position: number, path: string) => void;

/** Bytes that are stored and seen by nobody: by who stored and who hid them, then the largest files. */
export function wasteTables(report: WasteReport, t: Translate, open: OpenWasted): readonly Node[] {
  if (report.wasted === 0) {
    return [element('p', { class: 'notice', text: t('Nothing is wasted: every stored byte can be seen.') })];
  }
  const layer = (position: number) => t('Layer {0}', position + 1);
  return [
    element('p', {
      class: 'muted',
      text: t(
        '{0} are stored, {1} can be seen: {2} in {3} files are wasted.',
        formatSize(report.stored),
        formatSize(report.visible),
        formatSize(report.wasted),
        report.files,
      ),
    }),
    table(
      t('By cause'),
      [t('Bytes'), t('Files'), t('Stored by'), t('Hidden by'), t('Why')],
      [
        ...report.pairs.map(({ bytes, files, storedBy, hiddenBy, reason }) => [
          number(formatSize(bytes)),
          number(String(files)),
          cell(layer(storedBy)),
          cell(layer(hiddenBy)),
          cell(reasonWords(reason, t)),
        ]),
      ],
    ),
    table(
      t('The largest files'),
      [t('Bytes'), t('Path'), t('Stored by'), t('Hidden by'), t('Why')],
      [
        ...report.largest.map(({ bytes, path, storedBy, hiddenBy, reason }) => [
          number(formatSize(bytes)),
          element('td', {}, [
            element('button', { class: 'link', text: `/${path}`, on: { click: () => open(storedBy, path) } }),
          ]),
          cell(layer(storedBy)),
          cell(layer(hiddenBy)),
          cell(reasonWords(reason, t)),
        ]),
      ],
    ),
  ];
}

function table(caption: string, heads: readonly string[], rows: readonly (readonly Node[])[]): HTMLElement {
  return element('table', { class: 'waste' }, [
    element('caption', {}, [element('h2', { text: caption })]),
    element('thead', {}, [
      element(
        'tr',
        {},
        heads.map((text, column) =>
          element('th', {
            text,
            class:
              column === 0 || (column === 1 && rows[0]?.[1] instanceof HTMLElement && rows[0][1].className === 'number')
                ? 'number'
                : '',
            attributes: { scope: 'col' },
          }),
        ),
      ),
    ]),
    element(
      'tbody',
      {},
      rows.map((cells) => element('tr', {}, cells)),
    ),
  ]);
}

const cell = (text: string): HTMLElement => element('td', { text });
const number = (text: string): HTMLElement => element('td', { text, class: 'number' });
