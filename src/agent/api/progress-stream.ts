import { messageOf } from '../../base/errors.ts';
import type { ProgressLine } from '../registry/contract.ts';
import { type Call, type Reply, sent } from './route.ts';

/**
 * Answers with dockerd's stream of JSON lines while a task runs. The answer begins with the first line: what fails before
 * has a status, what fails later is told in the stream. A client that does not read misses figures, not words.
 */
export async function streamProgress(
  { response, signal }: Call,
  task: (tell: (line: ProgressLine) => void) => Promise<void>,
): Promise<Reply> {
  const write = (line: object): void => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
    response.write(`${JSON.stringify(line)}\r\n`);
  };
  try {
    await task((line) => {
      const isFigure = 'progressDetail' in line && Object.keys(line.progressDetail).length > 0;
      if (!isFigure || !response.writableNeedDrain) write(line);
    });
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
  } catch (failure) {
    if (!response.headersSent || signal.aborted) throw failure;
    const message = messageOf(failure);
    write({ errorDetail: { message }, error: message });
  }
  response.end();
  return sent;
}
