import assert from 'node:assert/strict';
import {
  familiar,
  familiarName,
  normalized,
  parseReference,
  withDefaultTag,
} from '../../../src/agent/store/reference.ts';

describe('image references', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const cases: [text: string, whole: string, short: string][] = [
    ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['library/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['porthole/starter', 'docker.io/porthole/starter:latest', 'porthole/starter:latest'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['localhost/a', 'localhost/a:latest', 'localhost/a:latest'],
    ['localhost:5000/a/b:v1', 'localhost:5000/a/b:v1', 'localhost:5000/a/b:v1'],
    ['quay.io/a__b/c-d.e:T_1', 'quay.io/a__b/c-d.e:T_1', 'quay.io/a__b/c-d.e:T_1'],
    ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a:latest'],
    ['Domain/a', 'Domain/a:latest', 'Domain/a:latest'],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
    [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`, `busybox:1@${digest}`],
  ];
  for (const [text, whole, short] of cases) {
    it(`${text} is ${short}`, () => {
      const reference = withDefaultTag(parseReference(text));
      assert.equal(normalized(reference), whole);
      assert.equal(familiar(reference), short);
      assert.equal(normalized(parseReference(whole)), whole);
      assert.ok(short.startsWith(familiarName(reference)));
    });
  }

  const wrong: [text: string, message: RegExp][] = [
    ['', /^invalid reference format$/],
    ['Busybox', /^invalid reference format: repository name must be lowercase$/],
    ['a/Busybox:1', /repository name must be lowercase/],
    ['a b', /^invalid reference format$/],
    ['-a', /^invalid reference format$/],
    ['a/', /^invalid reference format$/],
    ['a//b', /^invalid reference format$/],
    ['../a', /^invalid reference format$/],
    ['a:', /^invalid reference format$/],
    [`a:${'t'.repeat(129)}`, /^invalid reference format$/],
    ['a@sha256:abc', /^invalid reference format$/],
    [`a@sha512:${'a'.repeat(64)}`, /unsupported digest algorithm/],
    ['b'.repeat(64), /cannot specify 64-byte hexadecimal strings/],
    [`${'a/'.repeat(130)}a`, /must not be more than 255 characters/],
    ['a\nb', /^invalid reference format$/],
  ];
  for (const [text, message] of wrong) {
    it(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
      assert.throws(() => parseReference(text), { kind: 'invalid', message });
    });
  }
});
