/** What the lab says instead of doing what it was asked: one sentence. */
export class LabError extends Error {
  override readonly name = 'LabError';
}
