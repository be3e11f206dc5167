import { StringDecoder } from 'node:string_decoder';

/** Longer than any event or statistics line; what is longer is not one. */
const LONGEST = 1 << 20;

/** Calls back with each whole line of a stream. Resolves at its end, rejects when it breaks. */
export async function eachLine(stream: NodeJS.ReadableStream, line: (text: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      line(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
    if (rest.length > LONGEST) throw new Error('a line without end');
  }
}
