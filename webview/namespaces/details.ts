import type { FromNamespaces, NamespaceView, ToNamespaces } from '../../src/protocol/namespace-page.ts';
import { element } from '../shared/dom.ts';
import type { Page } from '../shared/page.ts';
import { keeperWords, kindWords, ownerWords } from './words.ts';

type Members = Extract<ToNamespaces, { type: 'members' }>;

/** About the namespace that is chosen: whose it is, what keeps it, and who is in it. */
export class Details {
  readonly node: HTMLElement;
  readonly #page: Page<FromNamespaces>;
  readonly #members = element('div', { attributes: { id: 'members', 'aria-live': 'polite' } });
  #view: NamespaceView | undefined;

  constructor(page: Page<FromNamespaces>) {
    this.#page = page;
    this.node = element('section', {
      class: 'about',
      attributes: { 'aria-label': page.t('About the chosen namespace') },
    });
    this.show(undefined);
  }

  show(view: NamespaceView | undefined): void {
    const { t } = this.#page;
    const isSame = view !== undefined && view.inode === this.#view?.inode;
    this.#view = view;
    if (!view) {
      this.node.replaceChildren(element('p', { class: 'muted', text: t('Choose a namespace to see who is in it.') }));
      return;
    }
    if (!isSame) this.#members.replaceChildren();
    const fact = (name: string, value: string) => [element('dt', { text: name }), element('dd', { text: value })];
    this.node.replaceChildren(
      element('h2', { text: t('The {0} namespace {1}', view.kind, view.inode) }),
      element('p', { class: 'muted', text: kindWords(view.kind, t) }),
      element('dl', { class: 'lines' }, [
        ...fact(t('Containers'), view.host ? t('the host’s') : view.containers.join(', ') || '–'),
        ...fact(t('Owner'), ownerWords(view, t)),
        ...(view.parent === undefined ? [] : fact(t('Below'), t('namespace {0}', view.parent))),
        ...(view.keptBy.length === 0
          ? []
          : fact(
              t('Kept by'),
              view.keptBy
                .slice(0, 20)
                .map((keeper) => keeperWords(keeper, t))
                .join('; '),
            )),
        ...fact(t('Processes'), String(view.members)),
      ]),
      this.#members,
    );
    this.#page.post({ type: 'members', inode: view.inode });
  }

  members({ inode, members, total }: Members): void {
    const { t } = this.#page;
    if (inode !== this.#view?.inode) return;
    const heads = [t('Process'), t('Container'), t('Command')];
    this.#members.replaceChildren(
      element('div', { class: 'wide' }, [
        element('table', { class: 'members' }, [
          element('caption', {
            class: 'muted',
            text:
              total > members.length ? t('The first {0} of {1} processes', members.length, total) : t('Its processes'),
          }),
          element('thead', {}, [
            element(
              'tr',
              {},
              heads.map((text, at) =>
                element('th', { text, class: at === 0 ? 'number' : '', attributes: { scope: 'col' } }),
              ),
            ),
          ]),
          element(
            'tbody',
            {},
            members.map(({ pid, command, container }) =>
              element('tr', {}, [
                element('td', { class: 'number', text: String(pid) }),
                element('td', { text: container === '' ? '–' : container }),
                element('td', {}, [element('code', { text: command })]),
              ]),
            ),
          ),
        ]),
      ]),
    );
  }
}
