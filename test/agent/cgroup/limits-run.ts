import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { limitChecks } from './limits.suite.ts';

/**
 * One check of the limits suite on a machine that has nothing but Node: bundled into one file, it ends with 0 when the
 * check passed, and says when it was skipped and why.
 *
 *   node limits-run.cjs SOCKET IMAGE DIRECTORY-ON-A-DISK CHECK
 */
async function main([socketPath, image, diskDirectory, name]: readonly string[]): Promise<void> {
  const check = limitChecks.find((one) => one.name === name);
  if (socketPath === undefined || image === undefined || diskDirectory === undefined || check === undefined) {
    throw new Error('usage: limits-run SOCKET IMAGE DIRECTORY CHECK');
  }
  const skipped = await check.run({
    image,
    diskDirectory,
    ask: (method, path, body) =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
        request({ socketPath, method, path, headers, agent: false }, (response) => {
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
        })
          .once('error', reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      }),
  });
  if (skipped !== undefined) console.log(`skipped: ${skipped}`);
}

main(process.argv.slice(2)).catch((failure: unknown) => {
  console.log(failure instanceof Error ? (failure.stack ?? failure.message) : String(failure));
  process.exitCode = 1;
});
