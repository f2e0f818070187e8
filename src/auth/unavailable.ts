/** An authorization server could not be asked, or did not answer as one. The message is for the log, and holds no secrets. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
