// The points of a pool, from the text that points.py packed: columns of numbers, of groups, and the ids.

/**
 * @param {{n: number, numbers: string[], groups: [string, string[]][], data: string}} packed
 */
async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const buffer = await new Response(stream).arrayBuffer();
  let at = 0;
  const next = (size) => {
    const begin = at;
    at += Math.ceil((size * packed.n) / 4) * 4;
    return begin;
  };
  const numbers = new Map(packed.numbers.map((name) => [name, new Float32Array(buffer, next(4), packed.n)]));
  const groups = new Map(
    packed.groups.map(([name, names]) => [name, { names, index: new Uint16Array(buffer, next(2), packed.n) }]),
  );
  const ids = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, at)));
  return { ...packed, numbers, groups, ids };
}
