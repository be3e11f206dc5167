import './isolation.css';
import type { PanelSubject } from '../../src/protocol/pages.ts';
import { type FindingView, ToIsolation, type Verdict } from '../../src/protocol/panels.ts';
import { byId, element } from '../shared/dom.ts';
import { type Frame, openPage, type Page, type View } from '../shared/page.ts';

/** What protects the host from a container and what does not, the open doors first. */
class IsolationView implements View<ToIsolation> {
  readonly #page: Page;
  #findings: readonly FindingView[] = [];

  constructor(page: Page) {
    this.#page = page;
  }

  receive({ findings }: ToIsolation): void {
    this.#findings = findings;
    this.#render();
  }

  frame({ name }: PanelSubject): Frame {
    const { t } = this.#page;
    return {
      title: t('Isolation of {0}', name),
      lead: t('What stands between this container and its host, and what does not.'),
      parts: [
        element('dl', { class: 'facts', attributes: { id: 'summary', 'aria-live': 'polite' } }),
        element('div', { class: 'bar' }, [
          element('vscode-button', {
            text: t('Save as JSON'),
            attributes: { appearance: 'secondary' },
            on: { click: () => this.#export('save') },
          }),
          element('vscode-button', {
            text: t('Copy as JSON'),
            attributes: { appearance: 'secondary' },
            on: { click: () => this.#export('copy') },
          }),
        ]),
        element('div', { attributes: { id: 'findings' } }),
      ],
    };
  }

  #render(): void {
    const { t } = this.#page;
    const verdicts: readonly Verdict[] = ['open', 'weak', 'closed'];
    const of = (verdict: Verdict) => this.#findings.filter((finding) => finding.verdict === verdict);
    byId('summary').replaceChildren(
      ...verdicts.map((verdict) =>
        element('div', { class: `count ${verdict}` }, [
          element('dt', { text: this.#word(verdict) }),
          element('dd', { text: String(of(verdict).length) }),
        ]),
      ),
    );
    byId('findings').replaceChildren(
      ...verdicts
        .filter((verdict) => of(verdict).length > 0)
        .map((verdict) =>
          element('section', { class: verdict, attributes: { 'aria-labelledby': `head-${verdict}` } }, [
            element('h2', { text: this.#headline(verdict), attributes: { id: `head-${verdict}` } }),
            element(
              'ul',
              { class: 'findings' },
              of(verdict).map((finding) =>
                element('li', { class: `finding ${verdict}` }, [
                  element('h3', { text: finding.what }),
                  element('p', { class: 'muted', text: finding.why }),
                  ...(finding.how === undefined
                    ? []
                    : [element('p', {}, [element('strong', { text: t('What to do:') }), text(` ${finding.how}`)])]),
                ]),
              ),
            ),
          ]),
        ),
    );
  }

  #word(verdict: Verdict): string {
    const { t } = this.#page;
    if (verdict === 'open') return t('open');
    return verdict === 'weak' ? t('weak') : t('closed');
  }

  #headline(verdict: Verdict): string {
    const { t } = this.#page;
    if (verdict === 'open') return t('Ways to the host that are open');
    return verdict === 'weak' ? t('Walls that are thin') : t('Walls that hold');
  }

  #export(type: 'save' | 'copy'): void {
    const { name, id } = this.#page.subject;
    const report = `${JSON.stringify({ container: id, name, findings: this.#findings }, undefined, 2)}\n`;
    if (type === 'copy') this.#page.post({ type, text: report });
    else
      this.#page.post({
        type,
        name: `${name.replaceAll(/[^\w.-]/g, '_') || 'container'}-isolation.json`,
        text: report,
      });
  }
}

const text = (words: string): Text => document.createTextNode(words);

openPage(ToIsolation, (page) => new IsolationView(page));
