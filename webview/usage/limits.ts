import { formatMemory } from '../../src/base/units.ts';
import type { CgroupReading } from '../../src/protocol/usage.ts';
import type { UpdatePlan } from '../../src/protocol/usage-history.ts';
import type { FromUsage, LimitName, TypedLimits } from '../../src/protocol/usage-page.ts';
import { element } from '../shared/dom.ts';

type Translate = (sentence: string, ...values: (string | number)[]) => string;

interface Options {
  readonly t: Translate;
  /** Which container the fields are of. */
  source(): number;
  post(message: FromUsage): void;
}

/**
 * Limits changed by hand: the fields hold what is in force until somebody types; then the writes that the change would take
 * are shown, and only then can it be made. An engine without a plan says so.
 */
export class LimitsForm {
  readonly node: HTMLElement;
  readonly #options: Options;
  readonly #inputs = new Map<LimitName, HTMLInputElement>();
  readonly #touched = new Set<LimitName>();
  readonly #plan = element('div', { class: 'plan', attributes: { role: 'status', 'aria-live': 'polite' } });
  readonly #buttons = element('div', { class: 'bar' });
  #plans = true;
  /** What the plan on the page is of. */
  #planned: TypedLimits | undefined;

  constructor(options: Options) {
    this.#options = options;
    const { t } = options;
    const fields: readonly (readonly [LimitName, string, string])[] = [
      ['cpus', t('CPUs'), t('such as 1.5')],
      ['memory', t('Memory'), t('such as 128m')],
      ['swap', t('Swap'), t('empty: unlimited')],
      ['reservation', t('Memory reservation'), t('such as 64m')],
      ['pids', t('PIDs'), t('empty: unlimited')],
      ['shares', t('CPU shares'), t('2 to 262144')],
      ['cpuset', t('Processors'), t('such as 0-1')],
    ];
    this.node = element('section', { class: 'limits', attributes: { 'aria-label': t('Change limits') } }, [
      element('h2', { text: t('Change limits') }),
      element('div', {}, [
        element(
          'div',
          { class: 'fields' },
          fields.map((field) => this.#field(...field)),
        ),
        this.#buttons,
      ]),
      this.#plan,
    ]);
  }

  /** @param plans the engine tells what it would write */
  setEngine(plans: boolean): void {
    this.#plans = plans;
    const { t } = this.#options;
    const button = (text: string, appearance: string, click: () => void) =>
      element('vscode-button', { text, attributes: { appearance }, on: { click } });
    this.#buttons.replaceChildren(
      ...(plans
        ? [button(t('Show What Would Be Written'), 'primary', () => this.#ask('plan'))]
        : [button(t('Apply'), 'primary', () => this.#ask('apply'))]),
      button(t('Reset'), 'secondary', () => this.reset()),
    );
    if (!plans && this.#touched.size === 0) {
      this.#say(t('This engine does not tell beforehand what it writes: the change is made at once.'));
    }
  }

  /** Another container, or what was typed is thrown away. */
  reset(): void {
    this.#touched.clear();
    this.#planned = undefined;
    this.#plan.replaceChildren();
  }

  /** What is in force now, into every field that nobody has typed into. */
  show(reading: CgroupReading | undefined): void {
    const memory = reading?.limits?.memory;
    const size = (bytes: number | undefined) => (bytes === undefined ? '' : formatMemory(bytes));
    const now: Readonly<Record<LimitName, string>> = {
      cpus: reading?.cpu?.limit === undefined ? '' : String(reading.cpu.limit),
      memory: size(reading?.memory?.limit),
      swap: size(memory?.swap),
      reservation: size(memory?.reservation),
      pids: reading?.pids?.limit === undefined ? '' : String(reading.pids.limit),
      shares: String(reading?.limits?.cpu?.shares ?? ''),
      cpuset: reading?.limits?.cpuset?.cpus ?? '',
    };
    for (const [name, input] of this.#inputs) {
      if (!this.#touched.has(name) && input.value !== now[name]) input.value = now[name];
    }
  }

  planned({ live, writes, warnings }: UpdatePlan): void {
    const { t } = this.#options;
    const apply = element('vscode-button', { text: t('Apply'), on: { click: () => this.#apply() } });
    const heads = [t('File'), t('Now'), t('New'), t('Why')];
    this.#plan.replaceChildren(
      ...warnings.map((warning) => element('p', { class: 'warning', text: warning })),
      ...(live ? [] : [element('p', { text: t('It does not run: its next start writes the limits.') })]),
      ...(live && writes.length === 0
        ? [element('p', { text: t('Nothing would be written: that is what is in force.') })]
        : []),
      ...(writes.length === 0
        ? []
        : [
            element('table', { class: 'writes' }, [
              element('caption', { text: t('Files that would be written, in this order') }),
              element('thead', {}, [
                element(
                  'tr',
                  {},
                  heads.map((text) => element('th', { text, class: 'muted', attributes: { scope: 'col' } })),
                ),
              ]),
              element(
                'tbody',
                {},
                writes.map(({ path, line, was, value, why }) =>
                  element('tr', {}, [
                    element('th', { attributes: { scope: 'row' } }, [
                      element('code', { text: path?.split('/').at(-1) ?? line, attributes: { title: path ?? line } }),
                    ]),
                    element('td', {}, [element('code', { text: was?.trim() ?? '–' })]),
                    element('td', {}, [element('code', { text: value ?? '–' })]),
                    element('td', { class: 'muted', text: why }),
                  ]),
                ),
              ),
            ]),
          ]),
      ...(live && writes.length === 0 ? [] : [element('div', { class: 'bar' }, [apply])]),
    );
  }

  applied(warnings: readonly string[]): void {
    this.reset();
    this.#say(this.#options.t('The limits are in force.'), ...warnings);
  }

  refused(message: string): void {
    this.#planned = undefined;
    this.#plan.replaceChildren(element('p', { class: 'refused', text: message }));
  }

  #field(name: LimitName, label: string, hint: string): HTMLElement {
    const input = document.createElement('input');
    Object.assign(input, {
      type: 'text',
      id: `limit-${name}`,
      placeholder: hint,
      autocomplete: 'off',
      spellcheck: false,
    });
    input.addEventListener('input', () => this.#typed(name));
    input.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') this.#ask(this.#plans ? 'plan' : 'apply');
    });
    this.#inputs.set(name, input);
    return element('div', { class: 'field' }, [
      element('label', { text: label, attributes: { for: `limit-${name}` } }),
      input,
    ]);
  }

  #typed(name: LimitName): void {
    this.#touched.add(name);
    // A plan of other values must not be what is applied.
    if (this.#planned) this.#plan.replaceChildren();
    this.#planned = undefined;
  }

  #ask(type: 'plan' | 'apply'): void {
    const limits = Object.fromEntries([...this.#touched].map((name) => [name, this.#inputs.get(name)?.value ?? '']));
    if (this.#touched.size === 0) {
      this.#say(this.#options.t('Type another value into a field first.'));
      return;
    }
    this.#planned = limits;
    this.#options.post({ type, source: this.#options.source(), limits });
  }

  #apply(): void {
    if (this.#planned) this.#options.post({ type: 'apply', source: this.#options.source(), limits: this.#planned });
  }

  #say(...sentences: readonly string[]): void {
    this.#plan.replaceChildren(...sentences.map((text) => element('p', { text })));
  }
}
