import {
  type Disposable,
  l10n,
  type QuickInput,
  type QuickInputButton,
  QuickInputButtons,
  type QuickPickItem,
  ThemeIcon,
  window,
} from 'vscode';
import type { Place } from './walk.ts';

/** What the user did with a box; the value may be there, too, when it was left otherwise than by accepting it. */
export type Answer<T> =
  | { readonly to: 'next'; readonly value: T }
  | { readonly to: 'back' | 'end'; readonly value?: T }
  | { readonly to: 'away' };

export interface Box {
  readonly title: string;
  readonly place: Place;
}

interface TextOptions {
  readonly value: string;
  readonly prompt: string;
  readonly placeholder?: string;
  /** What is wrong with it, if anything. */
  check?(text: string): string | undefined;
}

/** One line of text. */
export async function askText(box: Box, options: TextOptions): Promise<Answer<string>> {
  const input = window.createInputBox();
  input.value = options.value;
  input.prompt = options.prompt;
  input.placeholder = options.placeholder ?? '';
  const judge = () => {
    input.validationMessage = options.check?.(input.value.trim());
  };
  const typed = () => {
    judge();
    return input.validationMessage === undefined ? { value: input.value.trim() } : {};
  };
  return settled(box, input, {
    listen: (settle) => [
      input.onDidChangeValue(judge),
      input.onDidAccept(() => {
        const { value } = typed();
        if (value !== undefined) settle({ to: 'next', value });
      }),
    ],
    left: typed,
  });
}

interface ListOptions<T> {
  readonly placeholder: string;
  /** Where the list begins. */
  readonly active?: T | undefined;
}

/** One of several. */
export async function askOne<T extends QuickPickItem>(
  box: Box,
  items: readonly T[],
  options: ListOptions<T>,
): Promise<Answer<T>> {
  const input = window.createQuickPick<T>();
  input.items = items;
  input.placeholder = options.placeholder;
  input.matchOnDescription = true;
  if (options.active) input.activeItems = [options.active];
  return settled(box, input, {
    listen: (settle) => [
      input.onDidAccept(() => {
        const [value] = input.selectedItems;
        if (value) settle({ to: 'next', value });
      }),
    ],
  });
}

/** Any of several, with check boxes; those that are `picked` are checked already. */
export async function askMany<T extends QuickPickItem>(
  box: Box,
  items: readonly T[],
  { placeholder }: { readonly placeholder: string },
): Promise<Answer<readonly T[]>> {
  const input = window.createQuickPick<T>();
  input.canSelectMany = true;
  input.items = items;
  input.selectedItems = items.filter(({ picked }) => picked);
  input.placeholder = placeholder;
  return settled(box, input, {
    listen: (settle) => [input.onDidAccept(() => settle({ to: 'next', value: [...input.selectedItems] }))],
  });
}

type Buttoned = QuickInput & {
  buttons: readonly QuickInputButton[];
  readonly onDidTriggerButton: (listener: (button: QuickInputButton) => void) => Disposable;
};

interface Listening<T> {
  listen(settle: (answer: Answer<T>) => void): readonly Disposable[];
  /** What stays of it when it is left by a button. */
  left?(): { readonly value?: T };
}

/** Shows a box until it is answered. It stays when the user looks at something else meanwhile. */
async function settled<T>(
  { title, place }: Box,
  input: Buttoned,
  { listen, left = () => ({}) }: Listening<T>,
): Promise<Answer<T>> {
  const toEnd = { iconPath: new ThemeIcon('run-all'), tooltip: l10n.t('Keep the Rest as It Is') };
  input.title = title;
  input.step = place.step;
  input.totalSteps = place.total;
  input.ignoreFocusOut = true;
  input.buttons = [...(place.isFirst ? [] : [QuickInputButtons.Back]), ...(place.isLast ? [] : [toEnd])];
  let listeners: readonly Disposable[] = [];
  try {
    return await new Promise<Answer<T>>((resolve) => {
      listeners = [
        ...listen(resolve),
        input.onDidTriggerButton((button) =>
          resolve({ to: button === QuickInputButtons.Back ? 'back' : 'end', ...left() }),
        ),
        input.onDidHide(() => resolve({ to: 'away' })),
      ];
      input.show();
    });
  } finally {
    for (const listener of listeners) listener.dispose();
    input.dispose();
  }
}
