/** What an ONNX file says about itself. onnxruntime-web does not tell it, so this walks over the
 * file's outer protobuf message: a few fields, of which the graph is passed over by its length. A
 * second file beside the model could say something else than the model. */

import { ModelError } from "./model_error.js";

// Field numbers of ModelProto and StringStringEntryProto in onnx.proto.
const METADATA_PROPS = 14, KEY = 1, VALUE = 2;

/** The texts of `metadata_props` by key. Throws ModelError for what is no protobuf message. */
export function metadataOf(file: Uint8Array): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [field, entry] of fieldsOf(file)) {
    if (field !== METADATA_PROPS) continue;
    const of = new Map(fieldsOf(entry));
    const text = (number: number) => new TextDecoder().decode(of.get(number));
    texts[text(KEY)] = text(VALUE);
  }
  return texts;
}

/** The number and bytes of each field that has a length. */
function* fieldsOf(message: Uint8Array): Generator<[number, Uint8Array]> {
  let at = 0;
  const varint = () => {
    for (let value = 0, factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new ModelError("not an ONNX model");
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) {
      varint();
      continue;
    }
    const length = kind === 2 ? varint() : kind === 1 ? 8 : kind === 5 ? 4 : NaN;
    if (!(at + length <= message.length)) throw new ModelError("not an ONNX model");
    if (kind === 2) yield [Math.floor(tag / 8), message.subarray(at, at + length)];
    at += length;
  }
}
