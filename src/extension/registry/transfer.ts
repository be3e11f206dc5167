import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { formatSize } from '../../base/units.ts';
import { jsonLines } from '../json-lines.ts';

const Line = v.object({
  id: v.optional(v.string()),
  status: v.optional(v.string()),
  error: v.optional(v.string()),
  progressDetail: v.optional(v.object({ current: v.optional(v.number()), total: v.optional(v.number()) })),
});
type Line = v.InferOutput<typeof Line>;

/**
 * Follows what an engine says while it pulls or pushes.
 * @param say told how far it is, in one line
 * @returns the engine's last word about the whole. @throws invalid with the engine's own words when it gave up.
 */
export async function followTransfer(
  stream: AsyncIterable<Buffer | string>,
  say: (progress: string) => void,
): Promise<string> {
  const layers = new Map<string, { current: number; total: number; done: boolean }>();
  let last = '';
  for await (const line of lines(stream)) {
    if (line.error) throw new PortholeError('invalid', line.error);
    const { id, status = '', progressDetail } = line;
    if (id === undefined || !/^[0-9a-f]{12}$/.test(id)) {
      if (status) last = status;
      continue;
    }
    const known = layers.get(id) ?? { current: 0, total: 0, done: false };
    layers.set(id, {
      current: progressDetail?.current ?? known.current,
      total: progressDetail?.total ?? known.total,
      done: known.done || /^(Pull complete|Pushed|Already exists|Layer already exists|Mounted from)/.test(status),
    });
    say(summary([...layers.values()]));
  }
  return last;
}

/** '2 / 5 · 12.3 MB / 40 MB' */
function summary(layers: readonly { current: number; total: number; done: boolean }[]): string {
  const bytes = (key: 'current' | 'total') => layers.reduce((sum, layer) => sum + layer[key], 0);
  const done = `${layers.filter((layer) => layer.done).length} / ${layers.length}`;
  return bytes('total') === 0 ? done : `${done} · ${formatSize(bytes('current'))} / ${formatSize(bytes('total'))}`;
}

async function* lines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<Line> {
  for await (const value of jsonLines(stream)) {
    const line = v.safeParse(Line, value);
    if (line.success) yield line.output;
  }
}
