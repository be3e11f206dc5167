import type { Engine } from './engine.ts';

/** Words of ours that dockerd has otherwise, wherever they come. */
const ownWords: readonly { readonly ours: RegExp; readonly theirs: string; readonly why: string }[] = [
  {
    ours: /^WARNING: The bridge network is not supported yet.*\n/gm,
    theirs: '',
    why: 'until networks are there, whoever asks for the default one is told what it is',
  },
  { ours: /\bporthole create failed\b/g, theirs: 'runc create failed', why: 'the runtime says its own name' },
];

/** Replaces what no two engines, nor two runs, can have in common. */
export function normalized(text: string, engine: Engine, places: Readonly<Record<string, string>> = {}): string {
  const words = engine.name === 'porthole' ? ownWords : [];
  const plain = words.reduce((so, { ours, theirs }) => so.replace(ours, theirs), text.replace(/\r\n/g, '\n'));
  return (
    Object.entries({ [engine.host]: 'HOST', ...places })
      .reduce((so, [place, word]) => so.replaceAll(place, word), plain)
      // 20.10 begins some messages with a capital; Docker writes all of them small since, and so does ours.
      .replace(/(?<=Error response from daemon: )[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase())
      // script(1) passes the end of its input on, and the terminal echoes it whenever it comes.
      .replaceAll('^@', '')
      // The command of `docker cp` tells of the pipe that broke when the engine refused, or not, as it happens.
      .replace(/^time="[^"]*" level=error msg="Can't .* io: read\/write on closed pipe"\n/gm, '')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/\b[0-9a-f]{12}\b/g, 'SHORT')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \w+/g, 'TIME')
      .replace(/\b(Up|Created|Exited \(\d+\)) (Less than a second|About a \w+|\d+ \w+)( ago)?/g, '$1 DURATION')
      .replace(/\b(Less than a second|About a minute|\d+ seconds?|\d+ minutes?) ago\b/g, 'AGO')
  );
}
