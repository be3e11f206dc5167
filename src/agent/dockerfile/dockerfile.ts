import { DockerfileFailure } from './errors.ts';
import type { Instruction, Stage } from './instruction.ts';
import { instructionOf, located } from './instructions.ts';
import { type DockerfileNode, parseNodes } from './nodes.ts';

/** A Dockerfile, read and checked. */
export interface Dockerfile {
  /** ARG instructions before the first FROM. */
  readonly metaArgs: readonly Extract<Instruction, { kind: 'arg' }>[];
  readonly stages: readonly Stage[];
  readonly escapeToken: string;
  readonly directives: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/**
 * Reads a Dockerfile.
 * @param name what it is called in failures.
 * @throws DockerfileFailure with dockerd's words and the lines.
 */
export function parseDockerfile(text: string, name = 'Dockerfile'): Dockerfile {
  if (text === '') throw new DockerfileFailure(`the Dockerfile (${name}) cannot be empty`, { start: 1, end: 1 });
  const { nodes, ...rest } = readNodes(text, name);
  const metaArgs: Extract<Instruction, { kind: 'arg' }>[] = [];
  const stages: { from: Stage['from']; instructions: Instruction[] }[] = [];
  for (const node of nodes) {
    const instruction = checked(node);
    const stage = stages.at(-1);
    if (instruction.kind === 'from') stages.push({ from: instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') metaArgs.push(instruction);
    else throw new DockerfileFailure('no build stage in current context', node.lines);
  }
  return { metaArgs, stages, ...rest };
}

function readNodes(text: string, name: string) {
  try {
    return parseNodes(text);
  } catch (failure) {
    if (!(failure instanceof DockerfileFailure)) throw failure;
    throw new DockerfileFailure(`failed to parse ${name}: ${failure.message}`, failure.lines);
  }
}

function checked(node: DockerfileNode): Instruction {
  try {
    return instructionOf(node);
  } catch (failure) {
    throw located(node, failure);
  }
}
