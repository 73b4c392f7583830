/** 68 facial keypoints in the browser: `await (await Predictor.open()).predict(image)` gives a list
 * of `Face`. Twin of fkd/__init__.py. */

export type { Affine, Box, Image, Point } from "./geometry/types.js";
export { Face, type FaceRecord, type Pose } from "./inference/face.js";
export { face_chip, type ChipOptions } from "./inference/chip.js";
export { Predictor, type Analysis, type CallOptions, type PredictorOptions } from "./inference/predictor.js";
export { frameRecord, photoRecord, type FrameRecord, type PhotoRecord } from "./inference/records.js";
export { Tracker, type TrackerOptions } from "./inference/tracker.js";
export { readImage } from "./io/images.js";
export { CONTOURS, PARTS } from "./landmarks.js";
export { licenceNotice, type ModelInfo } from "./models/metadata.js";
export { ModelError } from "./models/model_error.js";
export { useRuntime } from "./models/session.js";
export { hasSimd } from "./models/simd.js";
