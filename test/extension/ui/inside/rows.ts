import { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { TreeItem } from 'vscode';
import { followAnswers } from '../../../../src/extension/commands/load-answers.ts';
import type { FileNode, ImagesNode } from '../../../../src/extension/tree/image-nodes.ts';
import type { ImagesView } from '../../../../src/extension/tree/images-view.ts';

export const rowText = ({ label }: TreeItem): string => (typeof label === 'string' ? label : (label?.label ?? ''));

/** Every changed path below a row. */
export async function unfolded(view: ImagesView, node: ImagesNode): Promise<FileNode[]> {
  const children = await view.getChildren(node);
  const below = await Promise.all(children.map((child) => unfolded(view, child)));
  const own = node.type === 'file' && node.row.change ? [node] : [];
  return [...own, ...below.flat()];
}

export async function loadImage(docker: Dockerode, archive: Buffer): Promise<string> {
  return followAnswers(await docker.loadImage(Readable.from([archive])));
}
