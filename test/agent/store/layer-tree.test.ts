import assert from 'node:assert/strict';
import { LayerTree } from '../../../src/agent/store/layer-tree.ts';

describe('the tree of a layer', function () {
  this.timeout(120_000);

  /** Names until the tree takes no more. @returns how many it took */
  const fill = (tree: LayerTree, { length, most }: { readonly length: number; readonly most: number }): number => {
    for (let count = 0; count < most; count++) {
      const components = [`directory${Math.floor(count / 200)}`, String(count).padStart(length, 'n')];
      try {
        tree.setFile(tree.place(components), tree.newInode());
      } catch (failure) {
        assert.match(String(failure), /its names and links are too long together/);
        return count;
      }
    }
    return most;
  };

  it('keeps so many bytes of names in memory and no more, whatever an archive holds', () => {
    const taken = fill(new LayerTree({ mostNames: 1_000_000 }), { length: 255, most: 300_000 });
    assert.ok(taken > 200_000 && taken < 270_000, `${taken} names of 255 bytes`);
  });

  it('has room for half a million names of 64 bytes', () => {
    assert.equal(fill(new LayerTree({ mostNames: 1_000_000 }), { length: 64, most: 500_000 }), 500_000);
  });
});
