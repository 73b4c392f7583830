/** A model that cannot be used; the message is one sentence. Twin of ModelError in
 * fkd/models/metadata.py. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}
