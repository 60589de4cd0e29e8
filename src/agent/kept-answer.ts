/** What takes long to make, and whoever reaches a port may ask for: made again only when it is old. */

export interface KeptAnswerOptions {
  readonly ageMs: number;
  /** As `performance.now()`. */
  readonly now?: () => number;
}

export function keptAnswer<T>(
  make: () => T,
  { ageMs, now = () => performance.now() }: KeptAnswerOptions,
): () => T {
  let kept: { readonly answer: T; readonly until: number } | undefined;
  return () => {
    const asked = now();
    if (!kept || asked >= kept.until) kept = { answer: make(), until: asked + ageMs };
    return kept.answer;
  };
}
