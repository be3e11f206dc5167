import assert from 'node:assert/strict';
import { type ChangeNode, changeTree } from '../../../src/extension/tree/change-tree.ts';
import type { LayerChange, LayerEntry } from '../../../src/protocol/layers.ts';

const entry = (path: string, type: LayerEntry['type'] = 'file'): LayerEntry => ({
  path,
  type,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1,
  mtime: 0,
});
const added = (path: string, type?: LayerEntry['type']): LayerChange => ({
  path,
  kind: 'added',
  after: entry(path, type),
});
const deleted = (path: string): LayerChange => ({ path, kind: 'deleted', before: entry(path) });
const modified = (path: string, differs: LayerChange['differs'], type?: LayerEntry['type']): LayerChange => ({
  path,
  kind: 'modified',
  differs: differs ?? [],
  before: entry(path, type),
  after: entry(path, type),
});

/** One line per node: what VS Code would show. */
function drawn(nodes: readonly ChangeNode[], indent = ''): string[] {
  return nodes.flatMap(({ name, change, children, counts }) => [
    `${indent}${name}${change ? ` ${change.kind}` : ''}${children.length > 0 ? ` +${counts.added}~${counts.modified}-${counts.deleted}` : ''}`,
    ...drawn(children, `${indent}  `),
  ]);
}

function check(name: string, changes: readonly LayerChange[], expected: readonly string[]): void {
  it(name, () => assert.deepEqual(drawn(changeTree(changes)), expected));
}

describe('The tree of a layer\u2019s changes', () => {
  check('is empty for a layer without changes', [], []);
  check(
    'puts directories first, then names in order',
    [added('b'), added('a'), added('z', 'directory'), added('z/f')],
    ['z added +2~0-0', '  f added', 'a added', 'b added'],
  );
  check(
    'joins directories that hold only one other',
    [added('usr/share/doc/x/README'), deleted('usr/share/doc/x/NEWS')],
    ['usr/share/doc/x +1~0-1', '  NEWS deleted', '  README added'],
  );
  check(
    'keeps apart what the layer itself touched',
    [modified('etc', ['mode'], 'directory'), added('etc/a/b')],
    ['etc modified +1~1-0', '  a +1~0-0', '    b added'],
  );
  check(
    'leaves out directories of which only the time changed',
    [modified('etc', ['time'], 'directory'), added('etc/passwd')],
    ['etc +1~0-0', '  passwd added'],
  );
  check('leaves out the root', [modified('', ['mode'], 'directory'), added('a')], ['a added']);
  check(
    'takes names apart at slashes only',
    [added('a b/c\nd'), added('a b/...')],
    ['a b +2~0-0', '  ... added', '  c\nd added'],
  );

  it('arranges 100,000 paths in less than two seconds', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => added(`d${index % 300}/e${index % 7}/f${index}`));
    // Of this process's own time: the machine may have other things to do.
    const begun = process.cpuUsage();
    const tree = changeTree(many);
    assert.equal(
      tree.reduce((sum, node) => sum + node.counts.added, 0),
      many.length,
    );
    assert.ok(process.cpuUsage(begun).user < 2_000_000);
  });
});
