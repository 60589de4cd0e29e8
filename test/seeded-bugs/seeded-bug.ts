/** Mistakes made on purpose, one at a time, to see whether the suite notices. */

/** In `file`, from the root of the repository, the one place that reads `from` becomes `to`. */
export interface SourceChange {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** By what goes wrong. */
export type SeededBugs<Bug extends SourceChange = SourceChange> = Readonly<Record<string, Bug>>;

/** The text of the file with the change made. Throws if there is not exactly one place for it. */
export function changed(text: string, { file, from, to }: SourceChange): string {
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} places, not one, that read: ${from}`);
  return text.replace(from, () => to);
}

export function inProgram(file: string, from: string, to: string): SourceChange {
  return { file: `bpf/${file}`, from, to };
}
