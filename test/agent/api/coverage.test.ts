import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { coverageDocument, coveragePath } from '../../../scripts/api-coverage.ts';
import { matcher } from '../../../src/agent/api/route.ts';
import { allRoutes } from '../../../src/agent/api/routes/all.ts';
import { firstRefusal } from '../../../src/agent/container/fields.ts';
import { dockerRoutes } from './docker-routes.ts';

describe('api: coverage', () => {
  it('docs/api-coverage.md is what the code says', () => {
    const isFresh = readFileSync(coveragePath, 'utf8') === coverageDocument();
    assert.ok(isFresh, 'it is stale: node scripts/run.mjs api-coverage');
  });

  it('every route of Docker’s API is served or refused by name', () => {
    const find = matcher(allRoutes);
    const unknown = dockerRoutes.filter((line) => {
      const [method = '', path = ''] = line.split(' ');
      return find({ method, path: path.replaceAll(/\{\w+\}/g, 'x'), minor: 47 }) === undefined;
    });
    assert.deepEqual(unknown, []);
  });

  it('a refusal names the first field that asks for something', () => {
    const fields = {
      A: { standing: 'carried out' },
      B: { standing: 'refused', isAsked: ({ b }: { b: number }) => b > 1, what: 'B' },
    } as const;
    assert.deepEqual(
      [firstRefusal(fields, { b: 1 }), firstRefusal(fields, { b: 2 })],
      [undefined, 'B is not supported yet'],
    );
  });
});
