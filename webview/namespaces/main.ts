import './namespaces.css';
import { type FromNamespaces, type Matrix, ToNamespaces } from '../../src/protocol/namespace-page.ts';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';
import { Details } from './details.ts';
import { MatrixTable } from './matrix-table.ts';

/** Which containers of a host are in which namespaces, which they share, and which are the host's own. */
class NamespacesView implements View<ToNamespaces> {
  readonly #page: Page<FromNamespaces>;
  #table: MatrixTable | undefined;
  #details: Details | undefined;

  constructor(page: Page<FromNamespaces>) {
    this.#page = page;
  }

  frame({ id, name }: PanelSubject): Frame {
    const { t } = this.#page;
    const details = new Details(this.#page);
    this.#details = details;
    this.#table = new MatrixTable(this.#page, (view) => {
      this.#page.keep('inode', view ? String(view.inode) : '');
      details.show(view);
    });
    return {
      title: id === '' ? t('Namespaces on {0}', name) : t('Namespaces of {0}', name),
      lead: t(
        'What each container has for itself, what it shares, and what is the host’s. The same letter in a column is the same namespace.',
      ),
      parts: [element('p', { class: 'muted', attributes: { id: 'count' } }), this.#table.node, details.node],
    };
  }

  receive(message: ToNamespaces): void {
    if (message.type === 'members') this.#details?.members(message);
    else this.#show(message.matrix);
  }

  #show(matrix: Matrix): void {
    const { t } = this.#page;
    byId('count').textContent = [
      t('Running containers: {0}.', matrix.rows.length),
      ...(matrix.resting > 0 ? [t('Not running, and so in no namespace: {0}.', matrix.resting)] : []),
    ].join(' ');
    this.#page.notice(
      matrix.unreadable > 0
        ? t(
            'Processes of this host that the agent may not look at: {0}. Their namespaces are missing here.',
            matrix.unreadable,
          )
        : '',
    );
    const isThere = matrix.rows.some(({ chosen }) => chosen);
    if (this.#page.subject.id !== '' && !isThere) {
      this.#page.notice(t('{0} does not run: it is in no namespace.', this.#page.subject.name));
    }
    this.#table?.show(matrix, Number(this.#page.kept('inode')));
  }
}

openPage<ToNamespaces, FromNamespaces>(ToNamespaces, (page) => new NamespacesView(page));
