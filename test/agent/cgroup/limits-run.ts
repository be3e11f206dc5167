import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type LimitsHost, limitChecks } from './limits.suite.ts';

/**
 * The limits suite on a machine that has nothing but Node: bundled into one file, it prints TAP and ends with 1 when a
 * check failed.
 *
 *   node limits-run.js SOCKET IMAGE [DIRECTORY-ON-A-DISK]
 */
async function main([socketPath, image, diskDirectory]: readonly string[]): Promise<void> {
  if (socketPath === undefined || image === undefined) throw new Error('usage: limits-run SOCKET IMAGE [DIRECTORY]');
  const host: LimitsHost = {
    image,
    ...(diskDirectory !== undefined && { diskDirectory }),
    ask: (method, path, body) =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
        request({ socketPath, method, path, headers, agent: false }, (response) => {
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
        })
          .once('error', reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      }),
  };
  console.log(`1..${limitChecks.length}`);
  let failed = 0;
  for (const [index, { name, run }] of limitChecks.entries()) {
    try {
      const skipped = await run(host);
      console.log(`ok ${index + 1} - ${name}${skipped === undefined ? '' : ` # SKIP ${skipped}`}`);
    } catch (failure) {
      failed++;
      const words = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
      console.log(`not ok ${index + 1} - ${name}\n${words.replace(/^/gm, '  # ')}`);
    }
  }
  process.exitCode = failed > 0 ? 1 : 0;
}

main(process.argv.slice(2)).catch((failure: unknown) => {
  console.log(`Bail out! ${failure instanceof Error ? failure.message : String(failure)}`);
  process.exitCode = 1;
});
