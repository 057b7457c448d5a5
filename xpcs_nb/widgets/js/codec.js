// Arrays as they come in the buffers of messages; xpcs_nb/widgets/_codec.py is the other end.

// A buffer may begin at any byte, and typed arrays can't: copy.
export function bytesOf(buffer) {
  const view = ArrayBuffer.isView(buffer) ? buffer : new DataView(buffer);
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Along the rows only differences are sent; they wrap, as unsigned integers do.
export function undoDifferences(codes, columns) {
  for (let start = 0; start < codes.length; start += columns) {
    const end = start + columns;
    for (let i = start + 1; i < end; i++) codes[i] += codes[i - 1];
  }
  return codes;
}

export async function decodeDifferences(buffer, columns, wide) {
  const bytes = await inflate(bytesOf(buffer));
  return undoDifferences(wide ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer), columns);
}

// Set or clear one flag of the pixels of a box; bits run row by row.
export function writeBits(flags, columns, box, bytes, flag) {
  const [top, left, height, width] = box;
  let bit = 0;
  for (let y = top; y < top + height; y++) {
    const row = y * columns + left;
    for (let i = row; i < row + width; i++, bit++) {
      if ((bytes[bit >> 3] >> (7 - (bit & 7))) & 1) flags[i] |= flag;
      else flags[i] &= ~flag;
    }
  }
}

const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

// The value that a code stands for; 0 is NaN. "bits": the code is the upper part of a positive float, 1 is zero.
export function decoder(code) {
  if (code.kind === "linear") return (c) => (c === 0 ? NaN : code.first + (c - 1) * code.step);
  return (c) => {
    if (c < 2) return c === 0 ? NaN : 0;
    word[0] = code.base + (c - 2) * code.step;
    return real[0];
  };
}
