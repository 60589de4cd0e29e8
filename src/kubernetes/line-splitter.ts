/** Bytes as they arrive → whole lines. A chunk may end anywhere, in the middle of a character too. */
const newline = 0x0a;

export class LineSplitter {
  #pieces: Buffer[] = [];
  #length = 0;

  /** Bytes of the line that has no end yet. */
  get pending(): number {
    return this.#length;
  }

  /** The lines that the chunk completes, without their ends. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(this.#finish(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#pieces.push(chunk.subarray(start));
      this.#length += chunk.length - start;
    }
    return lines;
  }

  #finish(end: Buffer): string {
    if (this.#length === 0) return end.toString('utf8');
    const line = Buffer.concat([...this.#pieces, end]).toString('utf8');
    this.#pieces = [];
    this.#length = 0;
    return line;
  }
}
