import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A change, and which steps of the build after it are found in the cache. */
export interface Edit {
  readonly name: string;
  /** For each step: `-` FROM, `=` found in the cache, `+` made. */
  readonly steps: string;
  /** Of this build alone. */
  readonly flags?: readonly string[];
  /** In the context. Each begins where the one before ended. */
  change?(context: Context): Promise<void> | void;
}

/** A context that is changed in place. */
export class Context {
  readonly directory: string;
  /** Of the Dockerfile. */
  lines: string[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async write(name: string, content: string): Promise<void> {
    await mkdir(join(this.path(name), '..'), { recursive: true });
    await writeFile(this.path(name), content);
  }

  /** The line that begins with the words is replaced; without a new one it goes. */
  line(words: string, by?: string): void {
    this.lines = this.lines.flatMap((line) => (line.startsWith(words) ? (by === undefined ? [] : [by]) : [line]));
  }
}

const lines = [
  'FROM busybox',
  'ARG used=1',
  'ARG unused=1',
  'ENV a=1 b=2',
  'LABEL l=1',
  'COPY one.txt /one',
  'COPY dir /dir',
  'RUN echo "$used" >/used',
  'ADD two.txt /two',
  'WORKDIR /w',
  'COPY --chown=1:2 one.txt owned',
  'CMD ["x"]',
];

const all = '-===========';

/** One image, changed step by step. */
export const singleStage: readonly Edit[] = [
  {
    name: 'the first build',
    steps: '-+++++++++++',
    async change(context) {
      context.lines = lines;
      await context.write('one.txt', 'one\n');
      await context.write('two.txt', 'two\n');
      await context.write('dir/a', 'a\n');
      await context.write('dir/sub/b', 'b\n');
      await symlink('a', context.path('dir/link'));
      await context.write('.dockerignore', 'dir/ignored\n');
    },
  },
  { name: 'nothing', steps: all },
  {
    name: 'the times of files and directories',
    steps: all,
    async change(context) {
      const time = new Date('2001-02-03T04:05:06Z');
      for (const name of ['one.txt', 'two.txt', 'dir/a', 'dir']) await utimes(context.path(name), time, time);
    },
  },
  {
    name: 'content of the same size',
    steps: '-====+++++++',
    change: (context) => context.write('one.txt', 'uno\n'),
  },
  { name: 'that content back', steps: all, change: (context) => context.write('one.txt', 'one\n') },
  {
    name: 'content below a copied directory',
    steps: '-=====++++++',
    change: (context) => context.write('dir/sub/b', 'other\n'),
  },
  { name: 'that content back too', steps: all, change: (context) => context.write('dir/sub/b', 'b\n') },
  { name: 'the mode of a file', steps: '-=====++++++', change: (context) => chmod(context.path('dir/a'), 0o600) },
  { name: 'the mode of a file back', steps: all, change: (context) => chmod(context.path('dir/a'), 0o644) },
  {
    name: 'the mode of a directory',
    steps: '-=====++++++',
    change: (context) => chmod(context.path('dir/sub'), 0o700),
  },
  { name: 'the mode of a directory back', steps: all, change: (context) => chmod(context.path('dir/sub'), 0o755) },
  { name: 'a new file that is ignored', steps: all, change: (context) => context.write('dir/ignored', 'x\n') },
  { name: 'a new file that nothing copies', steps: all, change: (context) => context.write('beside', 'x\n') },
  { name: 'a new file', steps: '-=====++++++', change: (context) => context.write('dir/new', 'x\n') },
  { name: 'the new file gone', steps: all, change: (context) => rm(context.path('dir/new')) },
  {
    name: 'a file renamed',
    steps: '-=====++++++',
    change: (context) => rename(context.path('dir/a'), context.path('dir/c')),
  },
  { name: 'the name back', steps: all, change: (context) => rename(context.path('dir/c'), context.path('dir/a')) },
  {
    name: 'where a symbolic link points',
    steps: '-=====++++++',
    async change(context) {
      await rm(context.path('dir/link'));
      await symlink('sub', context.path('dir/link'));
    },
  },
  {
    name: 'a file in the place of the link',
    steps: '-=====++++++',
    async change(context) {
      await rm(context.path('dir/link'));
      await context.write('dir/link', 'a\n');
    },
  },
  {
    name: 'the link back',
    steps: all,
    async change(context) {
      await rm(context.path('dir/link'));
      await symlink('a', context.path('dir/link'));
    },
  },
  {
    name: 'an argument that RUN uses',
    steps: '-======+++++',
    flags: ['--build-arg', 'used=2'],
  },
  {
    name: 'that argument again',
    steps: all,
    flags: ['--build-arg', 'used=2'],
  },
  {
    name: 'an argument that is declared and not used',
    steps: '-======+++++',
    flags: ['--build-arg', 'unused=2'],
  },
  {
    name: 'an argument that nothing declares',
    steps: all,
    flags: ['--build-arg', 'other=2'],
  },
  {
    name: 'a proxy, which does not count',
    steps: all,
    flags: ['--build-arg', 'HTTP_PROXY=http://proxy.invalid'],
  },
  {
    name: 'the default of an argument',
    steps: '-+++++++++++',
    change: (context) => context.line('ARG used', 'ARG used=3'),
  },
  { name: 'the default back', steps: all, change: (context) => context.line('ARG used', 'ARG used=1') },
  { name: 'the order of ENV', steps: '-==+++++++++', change: (context) => context.line('ENV', 'ENV b=2 a=1') },
  {
    name: 'ENV with quotes that mean nothing',
    steps: all,
    change: (context) => context.line('ENV', 'ENV a="1" b=\'2\''),
  },
  { name: 'the value of a label', steps: '-===++++++++', change: (context) => context.line('LABEL', 'LABEL l=2') },
  { name: 'the label back', steps: all, change: (context) => context.line('LABEL', 'LABEL l=1') },
  {
    name: 'comments, blank lines, small letters',
    steps: all,
    change: (context) => context.line('LABEL', '# a comment\n\nlabel   l=1'),
  },
  {
    name: 'a blank more in RUN',
    steps: '-======+++++',
    change: (context) => context.line('RUN', 'RUN echo  "$used" >/used'),
  },
  { name: 'RUN back', steps: all, change: (context) => context.line('RUN', 'RUN echo "$used" >/used') },
  { name: 'no cache', steps: '-+++++++++++', flags: ['--no-cache'] },
  { name: 'after no cache', steps: all },
  { name: 'a label by flag', steps: `${all}+`, flags: ['--label', 'x=1'] },
  { name: 'that label again', steps: `${all}=`, flags: ['--label', 'x=1'] },
  { name: 'the command', steps: '-==========+', change: (context) => context.line('CMD', 'CMD ["y"]') },
  {
    name: 'the owner of a copy',
    steps: '-=========++',
    change: (context) => context.line('COPY --chown', 'COPY --chown=1:3 one.txt owned'),
  },
  {
    name: 'the target of a copy',
    steps: '-=========++',
    change: (context) => context.line('COPY --chown', 'COPY --chown=1:3 one.txt elsewhere'),
  },
  {
    name: 'the name of a copied file',
    steps: '-=========++',
    async change(context) {
      await context.write('uno.txt', 'one\n');
      context.line('COPY --chown', 'COPY --chown=1:3 uno.txt elsewhere');
    },
  },
  { name: 'a step less', steps: '-=======+++', change: (context) => context.line('ADD') },
  {
    name: 'COPY for ADD',
    steps: '-=======++++',
    change: (context) => context.line('WORKDIR', 'COPY two.txt /two\nWORKDIR /w'),
  },
  { name: 'the same base by another name', steps: all, change: (context) => context.line('FROM', 'FROM same') },
  { name: 'another base', steps: '-+++++++++++', change: (context) => context.line('FROM', 'FROM other') },
];

/** Two stages: what the second takes of the first counts, not how the first came to it. */
export const twoStages: readonly Edit[] = [
  {
    name: 'the first build',
    steps: '-++-++',
    async change(context) {
      context.lines = [
        ...['FROM busybox AS made', 'COPY src /src', 'RUN grep -v "#" /src/a >/out'],
        ...['FROM scratch', 'COPY --from=made /out /out', 'LABEL a=b'],
      ];
      await context.write('src/a', 'code\n');
    },
  },
  { name: 'nothing', steps: '-==-==' },
  {
    name: 'another source, the same result',
    steps: '-++-==',
    change: (context) => context.write('src/a', '# a remark\ncode\n'),
  },
  { name: 'another result', steps: '-++-++', change: (context) => context.write('src/a', 'other code\n') },
  { name: 'back', steps: '-==-==', change: (context) => context.write('src/a', 'code\n') },
  {
    name: 'the name of a stage',
    steps: '-==-==',
    change(context) {
      context.line('FROM busybox', 'FROM busybox AS built');
      context.line('COPY --from', 'COPY --from=built /out /out');
    },
  },
  { name: 'one stage alone', steps: '-==', flags: ['--target', 'built'] },
];
