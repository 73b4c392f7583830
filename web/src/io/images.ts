/** Reading pictures, with what the browser decodes. Twin of fkd/io/images.py. */

/** The pixels of the first picture of a file, turned as it was held, what is transparent on white,
 * and without conversion between colour spaces, as in Python. Rejects for what this browser does not
 * read. */
export async function readImage(file: Blob): Promise<ImageData> {
  const picture = await createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  const { width, height } = picture;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error(`a picture of ${width}x${height} pixels is too large for this browser`);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(picture, 0, 0);
  picture.close();
  return pen.getImageData(0, 0, width, height);
}
