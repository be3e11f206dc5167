import type { Piece } from './contract.ts';

/** Bytes where the file has holes, and where it became shorter: the length has been promised. */
export async function* filled(pieces: AsyncIterable<Piece>, length: number): AsyncGenerator<Buffer> {
  let left = length;
  for await (const piece of pieces) {
    if (Buffer.isBuffer(piece)) {
      left -= piece.length;
      yield piece;
    } else {
      left -= piece.hole;
      yield* zeros(piece.hole);
    }
  }
  yield* zeros(left);
}

function* zeros(count: number): Generator<Buffer> {
  const most = Buffer.alloc(Math.min(count, 65_536));
  for (let left = count; left > 0; left -= most.length) yield most.subarray(0, left);
}
