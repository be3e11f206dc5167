/** A piece of a line with the look that the program asked for. */
export interface Span {
  readonly text: string;
  /** Class names of `logs.css`; '' for plain text. */
  readonly look: string;
}

interface Look {
  fg: number | undefined;
  bg: number | undefined;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
}

const plain = (): Look => ({
  fg: undefined,
  bg: undefined,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
});

/**
 * Escape sequences, ECMA-48: CSI with its parameters and last byte, strings (OSC, DCS, PM, APC, SOS) to their end or the end
 * of the line, and the two-byte ones.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const escapes = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const controls = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/** The text that a line shows: colours and the like as looks, every other sequence and control character left out. */
export function spansOf(line: string): Span[] {
  const look = plain();
  const spans: Span[] = [];
  let from = 0;
  const add = (text: string) => {
    const shown = text.replace(controls, '');
    if (shown !== '') spans.push({ text: shown, look: classes(look) });
  };
  // What was written before a carriage return is overwritten, as on a screen.
  const written = line.slice(line.lastIndexOf('\r') + 1);
  for (const match of written.matchAll(escapes)) {
    add(written.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === 'm') apply(look, match[1] ?? '');
  }
  add(written.slice(from));
  return spans;
}

export const plainText = (line: string): string =>
  spansOf(line)
    .map(({ text }) => text)
    .join('');

/** SGR, "select graphic rendition". Colours beyond the sixteen of the theme are left out: the theme's are readable. */
function apply(look: Look, parameters: string): void {
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) Object.assign(look, plain());
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underline = true;
    else if (code === 7) look.inverse = true;
    else if (code === 22) Object.assign(look, { bold: false, dim: false });
    else if (code === 23) look.italic = false;
    else if (code === 24) look.underline = false;
    else if (code === 27) look.inverse = false;
    else if (code >= 30 && code <= 37) look.fg = code - 30;
    else if (code >= 90 && code <= 97) look.fg = code - 82;
    else if (code >= 40 && code <= 47) look.bg = code - 40;
    else if (code >= 100 && code <= 107) look.bg = code - 92;
    else if (code === 39) look.fg = undefined;
    else if (code === 49) look.bg = undefined;
    else if (code === 38 || code === 48) {
      const index = codes[at + 1] === 5 ? codes[at + 2] : undefined;
      at += codes[at + 1] === 2 ? 4 : 2;
      const colour = index !== undefined && index < 16 ? index : undefined;
      if (code === 38) look.fg = colour;
      else look.bg = colour;
    }
  }
}

function classes({ fg, bg, bold, dim, italic, underline, inverse }: Look): string {
  return [
    ...(fg === undefined ? [] : [`fg${fg}`]),
    ...(bg === undefined ? [] : [`bg${bg}`]),
    ...Object.entries({ bold, dim, italic, underline, inverse }).flatMap(([name, on]) => (on ? [name] : [])),
  ].join(' ');
}
