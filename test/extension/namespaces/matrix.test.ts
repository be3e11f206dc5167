import assert from 'node:assert/strict';
import { kinds, matrixOf, membersOf } from '../../../src/extension/namespaces/matrix.ts';
import type { Matrix } from '../../../src/protocol/namespace-page.ts';
import { nameOf, survey } from '../ui/namespaces-fixture.ts';

const look = { nameOf, chosen: '', resting: 0 };

/** `name: mnt pid net ...`, each `host`, `own`, or a letter; `a+b` where it is in several. */
function drawn({ rows, namespaces }: Matrix): string[] {
  const words = new Map(namespaces.map(({ inode, host, mark }) => [inode, host ? 'host' : mark || 'own']));
  return rows.map(
    ({ name, cells }) =>
      `${name}: ${cells.map((inodes) => inodes.map((inode) => words.get(inode) ?? '?').join('+')).join(' ')}`,
  );
}

describe('The matrix of containers and namespaces', () => {
  it('has a letter for what several share, and puts them together', () => {
    assert.deepEqual(drawn(matrixOf(survey, look)), [
      'cache: own own own own own host own host',
      'db: own own A own A host own host',
      'web: own+own own A own A host own host',
      'tool: own own host own own host own host',
    ]);
  });

  it('begins with the container that it is about, and those that share with it', () => {
    const { rows } = matrixOf(survey, { ...look, chosen: 'idweb' });
    assert.deepEqual(
      rows.map(({ name, chosen }) => [name, chosen]),
      [
        ['web', true],
        ['db', false],
        ['cache', false],
        ['tool', false],
      ],
    );
  });

  it('tells whose each is, the host’s own among them, and nothing of namespaces that no row is in', () => {
    const { namespaces, unreadable } = matrixOf(survey, look);
    const net = namespaces.find(({ kind, mark }) => kind === 'net' && mark === 'A');
    assert.deepEqual([net?.containers, net?.members, net?.owner], [['db', 'web'], 3, { userNamespace: 8, uid: 0 }]);
    assert.equal(namespaces.filter(({ host }) => host).length, kinds.length);
    assert.equal(
      namespaces.some(({ inode }) => inode === 999),
      false,
    );
    assert.equal(unreadable, 1);
  });

  it('puts the namespace that most of a container is in first', () => {
    const { rows } = matrixOf(survey, look);
    assert.deepEqual(rows.find(({ name }) => name === 'web')?.cells[0], [130, 131]);
  });

  it('counts the members, and names the containers that they are of', () => {
    const net = matrixOf(survey, look).namespaces.find(({ mark, kind }) => mark === 'A' && kind === 'net');
    const { members, total } = membersOf(survey, net?.inode ?? 0, look);
    assert.equal(total, 3);
    assert.deepEqual(members[0], { pid: 20, command: 'postgres', container: 'db' });
    assert.deepEqual(membersOf(survey, 4711, look), { members: [], total: 0 });
  });
});
