import { Duplex } from 'node:stream';

/** Standard input and output as one duplex, whatever they are: pipes, sockets or files. */
export function stdioChannel(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Duplex {
  const channel = new Duplex({
    read: () => {
      input.resume();
    },
    write: (chunk, _encoding, done) => {
      output.write(chunk, done);
    },
    final: (done) => {
      output.end(done);
    },
    destroy: (failure, done) => {
      input.destroy();
      done(failure);
    },
  });
  input.on('data', (chunk: Buffer) => {
    if (!channel.push(chunk)) input.pause();
  });
  // The far end is gone: nothing can be asked any more and nobody would hear an answer.
  input.on('end', () => channel.destroy());
  input.on('error', () => channel.destroy());
  output.on('error', () => channel.destroy());
  return channel;
}
