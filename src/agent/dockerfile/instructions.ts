import { atLeastOne, blankName, DockerfileFailure, exactlyOne, noDestination, wrong } from './errors.ts';
import { type FlagKinds, readFlags } from './flags.ts';
import { healthcheckOf } from './healthcheck.ts';
import type { Argument, Instruction, Pair } from './instruction.ts';
import { type DockerfileNode, parseNode } from './nodes.ts';

/** Checks one instruction. @throws invalid in dockerd's words */
export function instructionOf(node: DockerfileNode): Instruction {
  const make = Object.hasOwn(makers, node.keyword) ? makers[node.keyword] : undefined;
  if (make === undefined) throw wrong(`unknown instruction: ${node.keyword}`);
  const { original, lines } = node;
  return { original, lines, ...make(node) };
}

/** What a trigger of ONBUILD stands for. */
export const triggerOf = (text: string): Instruction => instructionOf(parseNode(text));

type WithoutPlace<T> = T extends unknown ? Omit<T, 'original' | 'lines'> : never;
type Made = WithoutPlace<Instruction>;

const makers: Readonly<Record<string, (node: DockerfileNode) => Made>> = {
  FROM: from,
  RUN: (node) => command('run', node, { mount: 'texts', network: 'text', security: 'text' }),
  CMD: (node) => command('cmd', node, {}),
  ENTRYPOINT: (node) => command('entrypoint', node, {}),
  COPY: (node) => files('copy', node, { from: 'text' }),
  ADD: (node) => files('add', node, { checksum: 'text', 'keep-git-dir': 'switch' }),
  ENV: (node) => ({ kind: 'env', pairs: pairs(node) }),
  LABEL: (node) => ({ kind: 'label', pairs: pairs(node) }),
  ARG: (node) => ({ kind: 'arg', args: someOf(node).map(argument) }),
  WORKDIR: (node) => ({ kind: 'workdir', text: one(node) }),
  USER: (node) => ({ kind: 'user', text: one(node) }),
  STOPSIGNAL: (node) => ({ kind: 'stopsignal', text: one(node) }),
  MAINTAINER: (node) => ({ kind: 'maintainer', text: one(node) }),
  ONBUILD: trigger,
  EXPOSE: (node) => ({ kind: 'expose', texts: [...someOf(node)].sort() }),
  VOLUME: (node) => ({ kind: 'volume', texts: someOf(node).map(volume) }),
  SHELL: shell,
  HEALTHCHECK: (node) => ({ kind: 'healthcheck', healthcheck: healthcheckOf(node) }),
};

const withoutFlags = ({ flags }: DockerfileNode): void => void readFlags(flags, {});

function someOf(node: DockerfileNode): readonly string[] {
  if (node.args.length === 0) throw atLeastOne(node.keyword);
  withoutFlags(node);
  return node.args;
}

function one(node: DockerfileNode): string {
  const [text] = node.args;
  if (text === undefined || node.args.length > 1) throw exactlyOne(node.keyword);
  withoutFlags(node);
  return text;
}

const stageName = /^[a-z][a-z0-9-_.]*$/;

function from(node: DockerfileNode): Made {
  const [base = '', as = '', given] = node.args;
  let name: string | undefined;
  if (node.args.length === 3 && as.toLowerCase() === 'as' && given !== undefined) {
    name = given.toLowerCase();
    if (!stageName.test(name)) {
      throw wrong(
        `invalid name for build stage: ${JSON.stringify(given)}, name can't start with a number or contain symbols`,
      );
    }
  } else if (node.args.length !== 1) throw wrong('FROM requires either one or three arguments');
  const platform = readFlags(node.flags, { platform: 'text' }).get('platform')?.at(0);
  return { kind: 'from', base, ...(name !== undefined && { name }), ...(platform !== undefined && { platform }) };
}

function command(kind: 'run' | 'cmd' | 'entrypoint', node: DockerfileNode, kinds: FlagKinds): Made {
  const [flag] = readFlags(node.flags, kinds).keys();
  return {
    kind,
    command: node.args,
    isShell: !node.isJson,
    heredocs: node.heredocs,
    ...(flag !== undefined && { flag }),
  };
}

function files(kind: 'copy' | 'add', node: DockerfileNode, own: FlagKinds): Made {
  if (node.args.length < 2) throw noDestination(node.keyword);
  const flags = readFlags(node.flags, { chown: 'text', chmod: 'text', link: 'switch', ...own });
  const value = (name: string) => flags.get(name)?.at(0) || undefined;
  const found = { from: value('from'), chown: value('chown'), chmod: value('chmod'), checksum: value('checksum') };
  return {
    kind,
    sources: node.args.slice(0, -1),
    destination: node.args.at(-1) ?? '',
    heredocs: node.heredocs,
    ...(found.from !== undefined && { from: found.from }),
    ...(found.chown !== undefined && { chown: found.chown }),
    ...(found.chmod !== undefined && { chmod: found.chmod }),
    ...(found.checksum !== undefined && { checksum: found.checksum }),
  };
}

function pairs(node: DockerfileNode): Pair[] {
  const { args, keyword } = node;
  someOf(node);
  const found: Pair[] = [];
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at] ?? '';
    if (name === '') throw blankName(keyword);
    found.push({ name, value: args[at + 1] ?? '' });
  }
  return found;
}

function argument(word: string): Argument {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  if (name === '') throw blankName('ARG');
  return equals < 0 ? { name } : { name, value: word.slice(equals + 1) };
}

function trigger(node: DockerfileNode): Made {
  const [word = ''] = someOf(node);
  if (word === 'ONBUILD') throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === 'FROM' || word === 'MAINTAINER') throw wrong(`${word} isn't allowed as an ONBUILD trigger`);
  return { kind: 'onbuild', text: node.original.replace(/^\s*ONBUILD\s*/i, '') };
}

function volume(text: string): string {
  const path = text.trim();
  if (path === '') throw wrong('VOLUME specified can not be an empty string');
  return path;
}

function shell(node: DockerfileNode): Made {
  const texts = someOf(node);
  if (!node.isJson) throw wrong('SHELL requires the arguments to be in JSON form');
  return { kind: 'shell', texts };
}

/** Puts a failure where its instruction is, in dockerd's words. */
export function located(node: Pick<DockerfileNode, 'lines'>, failure: unknown): unknown {
  if (failure instanceof DockerfileFailure || !(failure instanceof Error)) return failure;
  return new DockerfileFailure(`dockerfile parse error line ${node.lines.start}: ${failure.message}`, node.lines);
}
