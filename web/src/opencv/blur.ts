/** Twin of OpenCV's `GaussianBlur` of floats, as fkd/inference/appearance.py calls it. */

/** A square of `side` * `side` numbers, blurred; beyond its edges it is mirrored, without the outer
 * row twice. */
export function gaussianBlur(values: Float32Array, side: number, sigma: number): Float32Array {
  const radius = (Math.round(sigma * 8 + 1) | 1) >> 1;
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const total = kernel.reduce((sum, weight) => sum + weight);
  const mirrored = (i: number) => {
    const within = Math.abs(i) % (2 * side - 2);
    return Math.min(within, 2 * side - 2 - within);
  };
  const along = (from: Float32Array, place: (line: number, i: number) => number) => {
    const blurred = new Float32Array(from.length);
    for (let line = 0; line < side; line++) {
      for (let i = 0; i < side; i++) {
        const sum = kernel.reduce((s, w, k) => s + w * from[place(line, mirrored(i + k - radius))]!, 0);
        blurred[place(line, i)] = sum / total;
      }
    }
    return blurred;
  };
  return along(along(values, (y, x) => y * side + x), (x, y) => y * side + x);
}
