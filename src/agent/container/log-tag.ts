import type { ContainerRecord } from './contract.ts';

export type LogTagSource = Pick<ContainerRecord, 'id' | 'name' | 'image' | 'imageId' | 'path' | 'args'>;

/** What a `tag` option may name, as Docker's log tags have it. */
const fields: Readonly<Record<string, (of: LogTagSource) => string>> = {
  ID: ({ id }) => id.slice(0, 12),
  FullID: ({ id }) => id,
  ContainerID: ({ id }) => id,
  Name: ({ name }) => name,
  ContainerName: ({ name }) => `/${name}`,
  // Docker cuts it with its 'sha256:'.
  ImageID: ({ imageId }) => imageId.slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  ContainerImageID: ({ imageId }) => imageId,
  ImageName: ({ image }) => image,
  ContainerImageName: ({ image }) => image,
  ContainerEntrypoint: ({ path }) => path,
  Command: ({ path, args }) => [path, ...args].join(' '),
  DaemonName: () => 'docker',
};

/**
 * The text of the log option `tag`, for example '{{.Name}}/{{.ID}}'. Of Go's templates it knows plain fields: whatever
 * else stands between the braces is a problem.
 */
export function logTag(template: string, of: LogTagSource): { readonly text: string } | { readonly problem: string } {
  let text = '';
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf('{{', at);
    if (open < 0) return { text: text + template.slice(at) };
    const close = template.indexOf('}}', open);
    const line = template.slice(0, open).split('\n').length;
    if (close < 0) return { problem: `template: log-tag:${line}: unclosed action` };
    text += template.slice(at, open);
    const action = template.slice(open + 2, close);
    const [, blank = '', name] = /^(\s*)\.(\w+)\s*$/.exec(action) ?? [];
    if (name === undefined) return { problem: `template: log-tag:${line}: {{${action}}} is not supported yet` };
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) {
      const column = open + 2 + blank.length - (template.lastIndexOf('\n', open) + 1);
      return {
        problem: `template: log-tag:${line}:${column}: executing "log-tag" at <.${name}>: can't evaluate field ${name} in type *logger.Info`,
      };
    }
    text += field(of);
    at = close + 2;
  }
  return { text };
}
