/**
 * A number from 0 to below 1 that depends on nothing but its arguments. What a rule hits is drawn
 * by the number of the request, not from one stream of randomness: so requests that overtake each
 * other change the draws of none.
 */
export function draw(seed: number, stream: string, n: number): number {
  // FNV-1a over the name, then MurmurHash3's finalizer, which spreads neighbours apart.
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < stream.length; index += 1) {
    hash = Math.imul(hash ^ stream.charCodeAt(index), 0x01000193);
  }
  return mix(mix(hash) ^ Math.imul(n, 0x9e3779b1)) / 0x1_0000_0000;
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
