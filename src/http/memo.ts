/** Longer texts are not remembered: they are not what clients send over and over. */
const MAX_LENGTH = 256;
/** Answers that are remembered. Past it all are forgotten, so that odd requests can't fill the memory. */
const MAX_ANSWERS = 256;

/** A pure function that remembers its answers: for the few headers and paths that come with every request. */
export function memo<T>(compute: (text: string) => T): (text: string) => T {
  const answers = new Map<string, T>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const answer = compute(text);
    if (text.length > MAX_LENGTH) return answer;
    if (answers.size >= MAX_ANSWERS) answers.clear();
    answers.set(text, answer);
    return answer;
  };
}
