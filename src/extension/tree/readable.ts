/**
 * Text of others for one line of a tree: control characters and escape sequences are seen instead of obeyed, nothing turns
 * the direction of what follows, and what is longer than a screen is cut. Pure: no `vscode` here.
 */
export function oneLine(text: string, most = 300): string {
  return isolated(cut(visible(text).replace(/[\r\n\u2028\u2029]+/g, '⏎'), most));
}

/** The same for a tooltip, whose lines stay lines. */
export function fewLines(text: string, most = 4_000): string {
  return cut(visible(text).replace(/\r\n?/g, '\n'), most);
}

/** Marks that turn or end a direction for everything behind them; those of a single letter are left. */
const turning = /[\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f]/g;
const upperControl = /[\u0080-\u009f\ufeff]/g;
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** Unicode has a picture of each control character. */
function visible(text: string): string {
  return text
    .replace(/\t/g, ' ')
    .replace(control, (mark) => (mark === '\u007f' ? '␡' : String.fromCharCode(0x2400 + mark.charCodeAt(0))))
    .replace(upperControl, '\ufffd')
    .replace(turning, '\ufffd');
}

/** Never inside of a character that takes two places. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 1)) ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}

/** Right-to-left words keep their order to themselves: the numbers beside them stay where they belong. */
const isolated = (text: string): string => (rightToLeft.test(text) ? `\u2068${text}\u2069` : text);
