/** Twins of OpenCV's `resize` of bytes, to the bit, as detection and crops call it
 * (fkd/detection/neural.py, fkd/geometry/crop.py): INTER_LINEAR and INTER_AREA.
 * Source of the arithmetic: OpenCV 4.14, modules/imgproc/src/resize.cpp. */

import { channelsOf, round, type Image } from "../geometry/types.js";

const COEFFICIENT_BITS = 11;

/** Bilinear; halving both sides averages, as in OpenCV. */
export function resizeLinear(image: Image, width: number, height: number): Image {
  if (image.width === 2 * width && image.height === 2 * height) return resizeArea(image, width, height);
  if (image.width === width && image.height === height) return image;
  const channels = channelsOf(image);
  const data = new Uint8Array(width * height * channels);
  const [columns, across] = linearWeights(image.width, width, true);
  const [rows, down] = linearWeights(image.height, height, false);
  const stride = image.width * channels;
  const length = width * channels;
  const line = (row: number, into: Int32Array) => {
    const start = Math.min(Math.max(row, 0), image.height - 1) * stride;
    for (let x = 0, at = 0; x < width; x++) {
      const left = start + columns[x]! * channels;
      const right = columns[x]! + 1 < image.width ? left + channels : left;
      for (let c = 0; c < channels; c++, at++) {
        into[at] = image.data[left + c]! * across[2 * x]! + image.data[right + c]! * across[2 * x + 1]!;
      }
    }
  };
  let upper = new Int32Array(length), lower = new Int32Array(length);
  let upperRow = NaN, lowerRow = NaN;
  for (let y = 0; y < height; y++) {
    const row = rows[y]!;
    if (row === lowerRow) [upper, lower, upperRow, lowerRow] = [lower, upper, lowerRow, upperRow];
    if (row !== upperRow) line(row, upper);
    if (row + 1 !== lowerRow) line(row + 1, lower);
    [upperRow, lowerRow] = [row, row + 1];
    const first = down[2 * y]!, second = down[2 * y + 1]!;
    for (let i = 0, at = y * length; i < length; i++, at++) {
      // Both factors are below 2^15, so that a product fits 32 bits.
      const sum = ((first * (upper[i]! >> 4)) >> 16) + ((second * (lower[i]! >> 4)) >> 16);
      data[at] = (sum + 2) >> 2;
    }
  }
  return { data, width, height };
}

/** For each new place the first of the two old ones, and the weights of both in 2^-11. OpenCV keeps
 * columns within the picture here, and rows later, with their weights as they were. */
function linearWeights(from: number, to: number, within: boolean): [Int32Array, Int32Array] {
  const places = new Int32Array(to), weights = new Int32Array(2 * to);
  const scale = from / to;
  for (let i = 0; i < to; i++) {
    const at = Math.fround((i + 0.5) * scale - 0.5);
    let place = Math.floor(at);
    let part = Math.fround(at - place);
    if (within && place < 0) [place, part] = [0, 0];
    if (within && place >= from - 1) [place, part] = [from - 1, 0];
    places[i] = place;
    weights[2 * i] = round(Math.fround(1 - part) * (1 << COEFFICIENT_BITS));
    weights[2 * i + 1] = round(part * (1 << COEFFICIENT_BITS));
  }
  return [places, weights];
}

/** The mean of the area that each new pixel covers; neither side may grow. */
export function resizeArea(image: Image, width: number, height: number): Image {
  if (image.width === width && image.height === height) return image;
  if (image.width % width === 0 && image.height % height === 0) return averaged(image, width, height);
  const channels = channelsOf(image);
  const length = width * channels;
  const across = areaWeights(image.width, width), down = areaWeights(image.height, height);
  const data = new Uint8Array(length * height);
  const line = new Float32Array(length), sum = new Float32Array(length);
  let done = 0;
  const write = () => {
    for (let i = 0; i < length; i++) data[done * length + i] = round(sum[i]!);
    sum.fill(0);
  };
  for (const [to, from, weight] of down) {
    if (to !== done) {
      write();
      done = to;
    }
    line.fill(0);
    const start = from * image.width * channels;
    for (const [x, old, part] of across) {
      for (let c = 0; c < channels; c++) {
        const at = x * channels + c;
        line[at] = line[at]! + Math.fround(image.data[start + old * channels + c]! * part);
      }
    }
    for (let i = 0; i < length; i++) sum[i] = sum[i]! + Math.fround(weight * line[i]!);
  }
  write();
  return { data, width, height };
}

/** New place, old place, weight of the old one. */
function areaWeights(from: number, to: number): [number, number, number][] {
  const scale = from / to;
  const weights: [number, number, number][] = [];
  for (let i = 0; i < to; i++) {
    const low = i * scale, high = low + scale;
    const cell = Math.min(scale, from - low);
    const last = Math.min(Math.floor(high), from - 1);
    const first = Math.min(Math.ceil(low), last);
    if (first - low > 1e-3) weights.push([i, first - 1, Math.fround((first - low) / cell)]);
    for (let j = first; j < last; j++) weights.push([i, j, Math.fround(1 / cell)]);
    if (high - last > 1e-3) {
      weights.push([i, last, Math.fround(Math.min(Math.min(high - last, 1), cell) / cell)]);
    }
  }
  return weights;
}

/** Where a new pixel covers whole old ones. */
function averaged(image: Image, width: number, height: number): Image {
  const channels = channelsOf(image);
  const columns = image.width / width, rows = image.height / height;
  const stride = image.width * channels;
  const share = Math.fround(1 / (columns * rows));
  const data = new Uint8Array(width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++, at++) {
        let sum = 0;
        for (let row = 0; row < rows; row++) {
          let from = (y * rows + row) * stride + x * columns * channels + c;
          for (let column = 0; column < columns; column++, from += channels) sum += image.data[from]!;
        }
        data[at] = columns === 2 && rows === 2 ? (sum + 2) >> 2 : round(Math.fround(sum * share));
      }
    }
  }
  return { data, width, height };
}
