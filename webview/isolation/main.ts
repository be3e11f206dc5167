import './isolation.css';
import { type FindingView, type PanelSubject, ToIsolation, type Verdict } from '../../src/protocol/panels.ts';
import { Channel } from '../shared/channel.ts';
import { byId, element } from '../shared/dom.ts';
import { Texts } from '../shared/texts.ts';
import { registerToolkit } from '../shared/toolkit.ts';

/** What protects the host from a container and what does not, the open doors first. */
class IsolationPage {
  readonly #channel: Channel<ToIsolation>;
  #texts = new Texts({});
  #subject: PanelSubject | undefined;
  #findings: readonly FindingView[] = [];

  constructor() {
    this.#channel = new Channel(ToIsolation, (message) => this.#receive(message));
    this.#channel.post({ type: 'ready' });
  }

  #receive(message: ToIsolation): void {
    switch (message.type) {
      case 'start':
        this.#texts = new Texts(message.texts);
        this.#subject = message.subject;
        document.documentElement.lang = message.locale;
        this.#channel.keepSubject(message.subject);
        this.#frame(message.subject);
        break;
      case 'report':
        this.#findings = message.findings;
        byId('problem').textContent = '';
        this.#render();
        break;
      case 'problem':
        byId('problem').textContent = message.message;
        break;
    }
  }

  #frame({ name }: PanelSubject): void {
    const { t } = this.#bound();
    byId('app').replaceChildren(
      element('h1', { text: t('Isolation of {0}', name) }),
      element('p', {
        class: 'muted',
        text: t('What stands between this container and its host, and what does not.'),
      }),
      element('div', { class: 'problem', attributes: { id: 'problem', role: 'alert' } }),
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
    );
  }

  #render(): void {
    const { t } = this.#bound();
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
    const { t } = this.#bound();
    if (verdict === 'open') return t('open');
    return verdict === 'weak' ? t('weak') : t('closed');
  }

  #headline(verdict: Verdict): string {
    const { t } = this.#bound();
    if (verdict === 'open') return t('Ways to the host that are open');
    return verdict === 'weak' ? t('Walls that are thin') : t('Walls that hold');
  }

  #export(type: 'save' | 'copy'): void {
    const { name = '', container = '' } = this.#subject ?? {};
    const report = `${JSON.stringify({ container, name, findings: this.#findings }, undefined, 2)}\n`;
    if (type === 'copy') this.#channel.post({ type, text: report });
    else
      this.#channel.post({
        type,
        name: `${name.replaceAll(/[^\w.-]/g, '_') || 'container'}-isolation.json`,
        text: report,
      });
  }

  #bound() {
    return { t: this.#texts.t.bind(this.#texts) };
  }
}

const text = (words: string): Text => document.createTextNode(words);

registerToolkit();
new IsolationPage();
