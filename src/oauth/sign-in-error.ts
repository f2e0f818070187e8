/** Why nobody could be signed in. The message completes "Nobody could sign in to …: ", and holds no secrets. */
export class SignInError extends Error {
  /** The HTTP status that was the reason, where there was one. */
  readonly status: number | undefined;
  constructor(text: string, status?: number) {
    super(text);
    this.status = status;
  }
}
