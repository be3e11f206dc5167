import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PortholeError, phraseOf } from '../../../src/base/errors.ts';
import { listed, phrase } from '../../../src/base/phrases.ts';
import * as hosts from '../../../src/extension/hosts/problems.ts';
import * as ssh from '../../../src/extension/ssh/problems.ts';
import { parseTarget } from '../../../src/extension/ssh/target.ts';

const bundle = path.resolve(import.meta.dirname, '../../../l10n/bundle.l10n.zh-cn.json');
const key = { type: 'ssh-ed25519', fingerprint: 'SHA256:abc' };
const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

function thrownBy(task: () => unknown): unknown {
  try {
    return task();
  } catch (failure) {
    return failure;
  }
}

describe('Phrases', () => {
  it('are English as they are, values and phrases among the values in their places', () => {
    assert.equal(String(phrase('{1} before {0}', 'a', phrase('the {0}', 7))), 'the 7 before a');
    assert.equal(String(listed(['x', phrase('y')], '; ')), 'x; y');
    assert.equal(String(phrase('{0} of {1}', 'holds {1} itself', 2)), 'holds {1} itself of 2');
  });

  it('are translated inside out, so that an error is in one language', async () => {
    const translations: Record<string, string> = JSON.parse(await readFile(bundle, 'utf8'));
    const inChinese = (thrown: unknown) => {
      assert.ok(thrown instanceof PortholeError && thrown.phrase, String(thrown));
      return thrown.phrase.say((text, values) => String(phrase(translations[text] ?? text, ...values)));
    };
    const problems = [
      ssh.hostKeyChanged('web', { ...key, file: '/k', line: 3 }, { ...key, fingerprint: 'SHA256:xyz' }),
      ssh.unreachable('web', refused),
      ssh.authenticationFailed('me@web', [], []),
      ssh.authenticationFailed('me@web', [phrase('key {0}', '/k')], ['publickey']),
      ssh.jumpFailed('jump', 'web', ssh.unreachable('web', refused)),
      ssh.timedOut('web', 30, phrase('SSH handshake')),
      hosts.agentDidNotStart('web', ''),
      hosts.channelLost('web', ssh.connectionLost('web')),
      hosts.noSuitableNode('web', phraseOf(ssh.noSuchProgram('web', phrase('exit code {0}', 3)))),
      thrownBy(() => parseTarget('-oProxyCommand=x')),
      thrownBy(() => parseTarget('web:99999')),
    ].map(inChinese);
    for (const said of problems) {
      assert.match(said, /\p{Script=Han}/u);
      // Names, paths and words of the protocol stay; two English words in a row are a sentence that was forgotten.
      assert.doesNotMatch(said, /\b(?!ssh-keygen)[a-z]{2,} [a-z]{2,}\b/, said);
    }
    assert.equal(problems[1], '无法连接到 web：连接被拒绝。sshd 在运行吗？端口正确吗？');
  });
});
